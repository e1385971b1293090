"""Postman collections (format 2.1.0) for tests/lab/planets.py, each a case of what Newman may meet.

The format: https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html
"""

from __future__ import annotations

from typing import Any

from tests.lab.planets import TOKEN

_SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_REFUSED = 'pm.test("answers 401 [CWE-89]", () => pm.response.to.have.status(401));'
_ESCAPED = 'pm.test("shows no markup [CWE-79]", () => pm.expect(pm.response.text()).to.not.include("<script>"));'
_TRUE = "' OR '1'='1"


def ask(
    name: str, method: str, path: str, *script: str, body: dict[str, str] | None = None, before: str = ""
) -> dict[str, Any]:
    """One request with its test script, and one that goes `before` it. It carries a token, as most requests do."""
    headers = [{"key": "Authorization", "value": f"Bearer {TOKEN}"}]
    request: dict[str, Any] = {"method": method, "header": headers, "url": f"{{{{base}}}}{path}"}
    if body is not None:
        words = ", ".join(f'"{key}": "{value}"' for key, value in body.items())
        request["body"] = {"mode": "raw", "raw": f"{{{words}}}"}
        headers.append({"key": "Content-Type", "value": "application/json"})
    events = [{"listen": "test", "script": {"type": "text/javascript", "exec": list(script)}}] if script else []
    if before:
        events.append({"listen": "prerequest", "script": {"type": "text/javascript", "exec": [before]}})
    return {"name": name, "request": request, "event": events}


def bearing(word: str, one: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A request with another token, and perhaps a body of files."""
    return {
        **one,
        "request": {**one["request"], "header": [{"key": "Authorization", "value": f"Bearer {word}"}], **more},
    }


def folder(name: str, *items: dict[str, Any]) -> dict[str, Any]:
    """A folder of requests or folders."""
    return {"name": name, "item": list(items)}


def collection(*items: dict[str, Any]) -> dict[str, Any]:
    """A whole collection."""
    return {"info": {"_postman_id": "planets", "name": "planets", "schema": _SCHEMA}, "item": list(items)}


_TAKEN = 'pm.environment.set("token", pm.response.json().access_token);'
_LOOSE = (
    'const token = pm.environment.get("token");',
    "pm.test(`takes ${token} [CWE-522]`, () => pm.response.to.have.status(200));",
    'pm.test("says so", () => pm.expect({token: token}).to.deep.equal({token: 7}));',
    'pm.test("or throws", () => { throw new Error("it was " + token); });',
)
# Newman's report lists such a request twice, and both times as the one that its script sent.
_ASKED_MORE = (
    'pm.sendRequest(pm.variables.get("base") + "/planets/12345", (error, answer) => {',
    '  pm.test("is shown afterwards [CWE-89]", () => pm.expect(answer.code).to.equal(200));',
    "});",
)
_PLANETS = 'pm.test("lists three planets", () => pm.expect(pm.response.json()).to.have.lengthOf(3));'
_MISSING = 'pm.test("answers 404", () => pm.response.to.have.status(404));'
_LOGGED_IN = (
    'pm.environment.set("empty", "");',
    'if (pm.response.code == 200) pm.environment.set("token", pm.response.json().access_token);',
)
_UPLOAD = {"mode": "formdata", "formdata": [{"key": "file", "type": "file", "src": "a.bin"}]}
BASIC = folder("Basic", ask("list planets", "GET", "/planets", _PLANETS))
NEGATIVE = folder("Negative", ask("unknown planet", "GET", "/planets/12345", _MISSING))
SECURITY = folder(
    "Security",
    folder(
        "SQL injection [CWE-89]",
        ask("unsafe login", "POST", "/unsafe/login", _REFUSED, body={"name": "ada", "word": _TRUE}),
        ask("safe login", "POST", "/safe/login", _REFUSED, body={"name": "ada", "word": _TRUE}),
    ),
    ask("unsafe hello", "GET", "/unsafe/hello?name=%3Cscript%3E", _ESCAPED),
    ask("safe hello", "GET", "/safe/hello?name=%3Cscript%3E", _ESCAPED),
)
CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    # name: the collection, and Newman's words beside it
    "found": (collection(SECURITY, BASIC, NEGATIVE), ()),
    "twice": (collection(SECURITY, BASIC, NEGATIVE), ("--iteration-count", "2")),
    "clean": (collection(SECURITY, BASIC, NEGATIVE), ("--folder", "Basic")),
    "bail": (collection(SECURITY, BASIC, NEGATIVE), ("--bail",)),
    "unjudged": (collection(ask("list planets", "GET", "/planets")), ()),
    "empty": (collection(), ()),
    "unreachable": (collection(BASIC), ("--env-var", "base=http://127.0.0.1:9")),
    "thrown": (collection(ask("list planets", "GET", "/planets", "nothing.like.this();", _PLANETS)), ()),
    "thrown-later": (collection(ask("list planets", "GET", "/planets", _PLANETS, "nothing.like.this();")), ()),
    "unparsed": (collection(ask("list planets", "GET", "/planets", _PLANETS, "if (")), ()),
    "skipped": (
        collection(ask("list planets", "GET", "/planets", _PLANETS, 'pm.test.skip("is quick", () => {});')),
        (),
    ),
    "ended": (
        collection(ask("list planets", "GET", "/planets", _PLANETS, "postman.setNextRequest(null);"), NEGATIVE),
        (),
    ),
    "asked-more": (collection(BASIC, ask("greet", "GET", "/safe/hello?name=ada", *_ASKED_MORE)), ()),
    # Of Newman 6 only.
    "left-out": (
        collection(BASIC, ask("left out", "GET", "/planets", _PLANETS, before="pm.execution.skipRequest();")),
        (),
    ),
    "not-reached": (
        collection(
            BASIC, ask("unknown planet", "GET", "/planets/12345", f"if (pm.response.code == 200) {{ {_PLANETS} }}")
        ),
        (),
    ),
    # Each looks as if it had passed, and Newman says nothing.
    "in-name": (
        collection(
            bearing("{{token}}", ask("log in", "GET", "/planets/12345", *_LOGGED_IN)),
            bearing("{{token}}", ask("as ada", "GET", "/planets/12345", _MISSING)),
            bearing("{{empty}}", ask("as nobody", "GET", "/planets/12345", _MISSING)),
            bearing("", ask("upload", "GET", "/planets", _PLANETS), body=_UPLOAD),
            bearing("", ask("send", "GET", "/planets", _PLANETS), body={"mode": "file", "file": {"src": "b.bin"}}),
            ask("leave", "GET", "/planets", _PLANETS, "if (pm.response.code == 200) return;", _MISSING),
            ask("another word", "GET", "/planets", "const t = pm.test; if (pm.response.code == 404) t('x', () => {});"),
            ask("waits", "GET", "/planets", 'pm.test("is called back", (done) => {});'),
            ask("end", "GET", "/planets", _PLANETS, "if (pm.info.iteration) postman.setNextRequest(null);"),
            ask("last", "GET", "/planets", "// pm.test('not any more', () => {});", _PLANETS),
        ),
        ("--iteration-count", "2"),
    ),
    # What an answer holds must not come out: in a message, in the name of a test, in an address.
    "secretive": (
        collection(
            {**ask("log in", "POST", "/safe/login", _TAKEN, body={"name": "ada", "word": "lovelace"})},
            ask("take", "GET", "/unsafe/hello/{{token}}/card?name={{token}}", *_LOOSE),
        ),
        (),
    ),
}
