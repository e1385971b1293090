"""Cookies that identify somebody, without the attributes that keep them from others; settings that take these off.

Set-Cookie's attributes: https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from hardgate.dataflow.families import jars
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.project import Instance
from hardgate.dataflow.values import HOLE, UNKNOWN, Const, Value, constant

RULE, SETTING = "python-insecure-cookie", "python-insecure-cookie-setting"
_OPEN = "A cookie that identifies a user is set without {}."
_FOREIGN = "A cookie that identifies a user goes along with requests of other sites (SameSite=None)."

# Position of `secure` and `httponly` where they may be given without their names, by framework: Flask, Django and
# Starlette have the same order; Pyramid (WebOb), Tornado, Falcon and aiohttp have others.
# https://werkzeug.palletsprojects.com/en/stable/wrappers/, https://docs.djangoproject.com/en/stable/ref/request-response/,
# https://www.starlette.io/responses/, https://docs.pylonsproject.org/projects/webob/en/stable/api/response.html
_POSITIONS = {"set_cookie": (6, 7, 8)}
_DELETED = re.compile(r"max-age=\s*-?0+\b|expires=[^;]*\b19[67]\d\b", re.IGNORECASE)


def _setting_cookie(call: Call) -> None:
    """`response.set_cookie(...)` and its kin."""
    name, value = call.arg(0, "key", "name"), call.arg(1, "value")
    if name is None or (value is None and call.spread is None) or _own_method(call) or _of_client(call):
        return
    if value is not None and _empty(value):
        return
    positions = _POSITIONS["set_cookie"] if "set_cookie" in call.last else (None, None, None)
    if any(
        _zero(call.arg(place, word))
        for place, word in ((positions[0] and 2, "max_age"), (positions[0] and 3, "expires"))
    ):
        return
    kind = jars.kind_of(_words(call, name, 0, "key", "name"), _words(call, value, 1, "value"))
    if "set_signed_cookie" in call.last or "set_secure_cookie" in call.last or "set_signed_cookie" in call.last:
        kind = kind or "identity"
    if not kind:
        return
    secure = call.arg(positions[0], "secure")
    hidden = call.arg(positions[1], "httponly", "http_only")
    missing = []
    if _off(call, secure) and not (secure is None and _secure_by_default(call)):
        missing.append("Secure")
    if kind != "token for scripts" and _off(call, hidden) and not (hidden is None and _hidden_by_default(call)):
        missing.append("HttpOnly")
    _tell(call, missing, call.arg(positions[2], "samesite", "same_site"))


def _tell(call: Call, missing: list[str], same_site: Value | None) -> None:
    if missing:
        call.report(RULE, _OPEN.format(" and ".join(missing)))
    elif same_site is not None and _foreign(same_site):
        call.report(RULE, _FOREIGN)


def _foreign(value: Value) -> bool:
    return value.closed and bool(value.texts) and all(str(one).lower() == "none" for one in value.some if one)


def _off(call: Call, value: Value | None) -> bool:
    """Not given at all, or given and always false."""
    if value is None:
        return call.spread is None
    return value.closed and bool(value.some) and not any(value.some)


def _empty(value: Value) -> bool:
    return value.known and value.const in {"", None}


def _zero(value: Value | None) -> bool:
    return value is not None and value.known and value.const in {0, "0", "Thu, 01 Jan 1970 00:00:00 GMT"}


def _secure_by_default(call: Call) -> bool:
    # Falcon's and Sanic's cookies are Secure unless told otherwise:
    # https://falcon.readthedocs.io/en/stable/api/cookies.html, https://sanic.dev/en/guide/basics/cookies.html
    return any(name.startswith(("falcon.", "sanic.")) for name in call.names) or "add_cookie" in call.last


def _hidden_by_default(call: Call) -> bool:
    return any(name.startswith("falcon.") for name in call.names)


def _own_method(call: Call) -> bool:
    """Whether the project's own class says what the method does; what that calls is looked at by itself."""
    wanted = min(call.last, default="")
    return any(isinstance(one, Instance) and one.owner.find(wanted) is not None for one in call.receiver.things)


_CLIENTS = re.compile(r"client|browser|driver|cookie_?jar|requests\.|httpx|page\b|selenium", re.IGNORECASE)


def _of_client(call: Call) -> bool:
    """What a test or a client sends is no cookie of this server."""
    written = ast.unparse(call.node.func) if isinstance(call.node, ast.Call) else ""
    owner = written.rpartition(".")[0]
    return bool(_CLIENTS.search(owner)) or any(
        one.startswith(("requests.", "httpx.", "http.cookiejar.")) for one in call.names
    )


def _words(call: Call, value: Value | None, position: int, *keywords: str) -> str:
    """All that the code says of an argument: its text as far as it is known, where it comes from, how it is written."""
    node = call.node
    written = ""
    if isinstance(node, ast.Call):
        given = next((one.value for one in node.keywords if one.arg in keywords), None)
        chosen = given if given is not None else (node.args[position] if len(node.args) > position else None)
        written = _written(chosen) if chosen is not None else ""
    return jars.said(value) or written if position == 0 else f"{jars.said(value)} {written}"


def _written(node: ast.expr) -> str:
    return " ".join(
        one.id if isinstance(one, ast.Name) else one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Name | ast.Attribute)
    )


# The header by hand.
_LINE = re.compile(r"\s*([^=;\s]+)=([^;]*)(;.*)?", re.DOTALL)


def _header(call: Call) -> None:
    """`headers.add("Set-Cookie", line)`, `send_header(...)`."""
    if len(call.args) > 1 and _is_header(call.args[0]):
        _line(call, call.args[1])


def _is_header(value: Value | None) -> bool:
    return value is not None and value.known and str(value.const).lower() in {"set-cookie", "b'set-cookie'"}


def _header_item(call: Call) -> None:
    """`response.headers["Set-Cookie"] = line`."""
    key, value = call.args[0], call.args[1]
    if _is_header(key):
        _line(call, value)


def _header_table(call: Call) -> None:
    """`Response(..., headers={"Set-Cookie": line})`, `start_response(status, [("Set-Cookie", line)])`."""
    given = call.arg(1 if "start_response" in call.last else None, "headers")
    if given is None and call.last & {"update", "extend"}:
        given = call.args[0] if call.args else None
    for key, value in (given.items or ()) if given is not None else ():
        if str(key).lower() == "set-cookie":
            _line(call, value)
        elif _is_header(value.item(0)):
            _line(call, value.item(1) or UNKNOWN)


def _line(call: Call, value: Value) -> None:
    for text in value.texts or ((value.text,) if value.text else ()):
        found = _LINE.match(text)
        if found is None or not found[2].strip() or _DELETED.search(text):
            continue
        parts = [part.strip().lower() for part in (found[3] or "").split(";")]
        words = {part.partition("=")[0].strip() for part in parts}
        if any(HOLE in word for word in words):
            continue  # attributes that are put in from elsewhere
        kind = jars.kind_of(found[1].replace(HOLE, " "), "")
        if kind:
            missing = ["Secure"] if "secure" not in words else []
            missing += ["HttpOnly"] if "httponly" not in words and kind != "token for scripts" else []
            foreign = constant("none") if "samesite=none" in parts else None
            _tell(call, missing, foreign)


# Jars: `http.cookies.SimpleCookie` and `response.cookies`.
def _jar_item(call: Call) -> None:
    if len(call.args) > 1 and isinstance(call.node, ast.Subscript) and jars.is_jar(call.receiver, call.node.value):
        name = jars.said(call.args[0]) or _written(call.node.slice)
        if not _empty(call.args[1]):
            _morsel(call, name, ast.unparse(call.node.value), ast.unparse(call.node.slice))


def _jar(call: Call) -> None:
    """`SimpleCookie({"session": value})`."""
    if not any(name.startswith(("http.cookies.", "Cookie.")) for name in call.names) or not call.args:
        return
    jar = jars.assigned_to(call.frame, call.node)
    for key, value in call.args[0].items or ():
        if jar and isinstance(key, str) and not _empty(value):
            _morsel(call, key, jar, repr(key))


def _morsel(call: Call, name: str, jar: str, key: str) -> None:
    kind = jars.kind_of(name, "")
    told = jars.attributes(call.frame, jar, key) if kind else None
    if told is None or _deleted(told):
        return
    missing = ["Secure"] if not told.get("secure", False) else []
    missing += ["HttpOnly"] if not told.get("httponly", False) and kind != "token for scripts" else []
    same_site = told.get("samesite")
    _tell(call, missing, constant(same_site) if isinstance(same_site, str) else None)


def _deleted(told: dict[str, Const]) -> bool:
    return told.get("max-age") in {0, "0"} and "max-age" in told


# Settings. https://flask.palletsprojects.com/en/stable/config/, https://docs.djangoproject.com/en/stable/ref/settings/,
# https://flask-login.readthedocs.io/, https://flask-jwt-extended.readthedocs.io/en/stable/options.html,
# https://dj-rest-auth.readthedocs.io/en/latest/configuration.html
_SWITCH = re.compile(
    r"(SESSION|REMEMBER|JWT|AUTH|AUTHJWT|ACCESS|REFRESH|JWT_REFRESH|SECURITY|TOKEN)_COOKIE_(SECURE|HTTPONLY|HTTP_ONLY)"
    r"|CSRF_COOKIE_SECURE|JWT_CSRF_COOKIE_SECURE|JWT_AUTH_(SECURE|HTTPONLY)|LANGUAGE_COOKIE_SECURE"
    r"|AUTH_COOKIE_(SECURE|HTTP_ONLY)|AUTHJWT_COOKIE_SECURE|TOOLS\.SESSIONS\.(SECURE|HTTPONLY)|SESSION\.(SECURE|HTTPONLY)"
)
_SITE = re.compile(
    r"((SESSION|REMEMBER|JWT|AUTH|AUTHJWT|ACCESS|REFRESH|SECURITY)_COOKIE|JWT_AUTH|AUTH_COOKIE)_SAMESITE"
)
_AWAY = "The setting {} takes {} off a cookie that identifies users."


def _setting(call: Call, name: Const, value: Value) -> None:
    if not isinstance(name, str):
        return
    upper = name.upper()
    if _SWITCH.fullmatch(upper):
        if value.known and value.const in {False} and value.const is not None and not jars.for_developers(call):
            word = "Secure" if upper.endswith("SECURE") else "HttpOnly"
            call.report(SETTING, _AWAY.format(name, word))
    elif _SITE.fullmatch(upper) and _foreign(value) and not jars.for_developers(call):
        call.report(SETTING, _AWAY.format(name, "SameSite"))


def _setting_name(call: Call) -> None:
    name, value = call.args[0], call.args[1]
    function = call.frame.function
    if name.known and (function is None or call.frame.inside is not None or str(name.const).isupper()):
        _setting(call, name.const, value)


def _setting_item(call: Call) -> None:
    if call.args[0].known:
        _setting(call, call.args[0].const, call.args[1])


def _settings(call: Call) -> None:
    """`app.config.update(...)`, `from_mapping(...)`, `settings.configure(...)`, and tables of settings."""
    given: list[tuple[Const, Value]] = list(call.kwargs.items())
    if call.last & {"update", "from_mapping", "configure"}:
        given += [pair for one in call.args[:1] for pair in one.items or ()]
    elif call.last & {"setdefault", "=[]"} and len(call.args) > 1 and call.args[0].known:
        given.append((call.args[0].const, call.args[1]))
    for name, value in given:
        _setting(call, name, value)


def _nested(call: Call) -> None:
    """Tables of settings within the settings: `REST_AUTH = {"JWT_AUTH_SECURE": False}`."""
    for key, value in call.args[1].items or ():
        if isinstance(key, str) and key.upper() == key:
            _setting(call, key, value)


# Middleware and session factories that make the cookie themselves: the names of their switches, and whether a switch
# that is left out is off. https://www.starlette.io/middleware/#sessionmiddleware,
# https://docs.pylonsproject.org/projects/pyramid/en/latest/api/session.html,
# https://aiohttp-session.readthedocs.io/en/stable/reference.html, https://fastapi-users.github.io/fastapi-users/
_MAKERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "starlette.middleware.sessions.SessionMiddleware": (("https_only",), True),
    "fastapi.middleware.sessions.SessionMiddleware": (("https_only",), True),
    "starsessions.SessionMiddleware": (("cookie_https_only",), False),
    "starlette_session.SessionMiddleware": (("https_only",), True),
    "pyramid.session.SignedCookieSessionFactory": (("secure", "httponly"), True),
    "pyramid.session.BaseCookieSessionFactory": (("secure", "httponly"), True),
    "pyramid.authentication.AuthTktAuthenticationPolicy": (("secure", "http_only"), True),
    "pyramid.authentication.AuthTktCookieHelper": (("secure", "http_only"), True),
    "aiohttp_session.cookie_storage.EncryptedCookieStorage": (("secure", "httponly"), False),
    "aiohttp_session.SimpleCookieStorage": (("secure", "httponly"), False),
    "aiohttp_session.redis_storage.RedisStorage": (("secure", "httponly"), False),
    "fastapi_users.authentication.CookieTransport": (("cookie_secure", "cookie_httponly"), False),
}
_MADE = "The cookie of the session is made without {}."


def _maker(call: Call) -> None:
    chosen = call.names | (
        call.args[0].names if call.args and call.last & {"add_middleware", "Middleware"} else frozenset()
    )
    for name in chosen:
        switches, needed = _MAKERS.get(name, ((), False))
        for switch in switches:
            value = call.arg(None, switch)
            off = _off(call, value) if needed or value is not None else False
            if off and not jars.for_developers(call):
                call.report(
                    SETTING, _MADE.format("HttpOnly" if "only" in switch and "https" not in switch else "Secure")
                )
        if switches and (site := call.arg(None, "same_site", "samesite")) is not None and _foreign(site):
            call.report(SETTING, _FOREIGN)


def _both(*checks: Callable[[Call], None]) -> Callable[[Call], None]:
    def check(call: Call) -> None:
        if len(call.args) > 1:
            for one in checks:
                one(call)

    return check


RULES = (RULE, SETTING)
CHECKS: Checks = table(
    (_setting_cookie, ("set_cookie", "set_signed_cookie", "set_secure_cookie", "add_cookie")),
    (_header, ("add", "set", "append", "send_header", "add_header", "append_header", "set_header", "setdefault")),
    (_header_table, (
        "start_response", "update", "extend", "Response", "make_response", "HTMLResponse", "JSONResponse",
        "RedirectResponse", "PlainTextResponse", "StreamingResponse", "HttpResponse", "JsonResponse",
        "HttpResponseRedirect",
    )),
    (_both(_header_item, _jar_item, _setting_item), ("=[]",)),
    (_jar, ("SimpleCookie", "load")),
    (_both(_setting_name, _nested), ("=name",)),
    (_both(_setting_item), ("=.",)),
    (_settings, ("update", "from_mapping", "configure", "setdefault")),
    (_maker, ("add_middleware", "Middleware", *sorted({name.rpartition(".")[2] for name in _MAKERS}))),
)  # fmt: skip
