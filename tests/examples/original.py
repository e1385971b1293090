"""A collection as there are for the original planetary-api: format 2.0, `host` and `port`, names by chance.

It is none of those. The addresses, fields, words and numbers that such collections send and expect are public facts:
https://github.com/andyrat33/planetary-api has one. Ours is there for what they have in common.
"""

from __future__ import annotations

from typing import Any

_SCHEMA = "https://schema.getpostman.com/json/collection/v2.0.0/collection.json"
_KEEP = 'pm.environment.set("{0}", pm.response.json().{0});'
_PLANET = {"planet_type": "Class S", "home_star": "Sol", "mass": "23423423454e34", "radius": "242325212434"}
_PLANET |= {"distance": "2343134e23"}


def _status(code: int, message: str = "") -> str:
    said = f'pm.expect(pm.response.json().message).to.eql("{message}");' if message else ""
    return f'pm.test("Status code is {code}", () => {{ pm.response.to.have.status({code}); {said} }});'


def _ask(name: str, method: str, path: str, *script: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = {
        "auth": {"type": "bearer", "bearer": {"token": "{{access_token}}"}},
        "method": method,
        "header": [],
        "url": f"http://{{{{host}}}}:{{{{port}}}}/{path}",
    }
    if body is not None:
        request["body"] = body
    return {
        "name": name,
        "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": list(script)}}],
        "request": request,
        "response": [],
    }


def _json(raw: str) -> dict[str, Any]:
    return {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}


def _form(**fields: str) -> dict[str, Any]:
    pairs = {**_PLANET, **fields}
    return {"mode": "formdata", "formdata": [{"key": k, "value": v, "type": "text"} for k, v in pairs.items()]}


def _login(password: str) -> dict[str, Any]:
    return _json(f'{{\n    "email": "test@test.com",\n    "password": "{password}"\n}}')


_MERCURY = '"planet_name": "Mercury", "planet_type": "Class D", "home_star": "Sol"'
_SIZES = '"mass": "2.258e23", "radius": "1516", "distance": "35.98e6"'
_RANDOM = _MERCURY.replace("Mercury", "{{$randomFirstName}} {{$timestamp}}")
_FIRST = 'pm.test("Mercury", () => pm.expect(pm.response.json()[0].planet_name).to.eql("Mercury"));'
COLLECTION: dict[str, Any] = {
    "info": {"_postman_id": "original", "name": "for the original", "schema": _SCHEMA},
    "item": [
        _ask("log in", "POST", "login", _KEEP.format("access_token"), _status(200, "Login succeeded!"), body=_login("P@ssw0rd")),
        _ask("add", "POST", "add_planet", _KEEP.format("id"), _status(201), body=_form(planet_name="{{$guid}}")),
        _ask("remove", "DELETE", "remove_planet/{{id}}", _status(202, "You deleted a planet")),
        _ask("add JSON", "POST", "add_planet", _KEEP.format("id"), _status(201), body=_json(f"{{{_RANDOM}, {_SIZES}}}")),
        _ask("show", "GET", "planet_details/{{id}}", _KEEP.format("planet_name"), _status(200)),
        _ask("update", "PUT", "update_planet", _status(202), body=_json(f'{{"planet_id": {{{{id}}}}, {_MERCURY}, {_SIZES}}}')),
        _ask("list", "GET", "planets", _status(200), _FIRST),
        _ask("size", "GET", "dbsize/planets.db", _status(200)),
        _ask("remove", "DELETE", "remove_planet/{{id}}", _status(202, "You deleted a planet")),
        _ask("forgot", "GET", "retrieve_password/test@test.com", _status(200)),
        _ask("add without a name", "POST", "add_planet", _status(400, "missing planet name"), body=_form(planet_name="")),
        _ask(
            "add a known one", "POST", "add_planet", _status(409, "There is already a planet by that name"),
            body=_json(f"{{{_MERCURY}, {_SIZES}}}"),
        ),
        _ask("log in wrongly", "POST", "login", _status(401, "Bad email or password"), body=_login("wrong")),
        _ask("greet", "GET", "planetary", _status(200)),
        _ask("miss", "GET", "not_found", _status(404, "That resource was not found")),
    ],
}  # fmt: skip
