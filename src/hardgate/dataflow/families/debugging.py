"""Debug mode of the frameworks that is switched on in the code, or on by default."""

from __future__ import annotations

import ast
import re

from hardgate.dataflow.families import naming, places
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.families.leftovers import RULE, unguarded
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Value

DJANGO = "python-django-debug"
_ON = (
    "Debug mode is switched on in the code. Its error pages show code and settings to everybody: "
    "leave it out, or read it from the environment with off as default."
)
_DEFAULT = (
    "Debug mode is on unless somebody switches it off. Its error pages show code and settings to "
    "everybody: make off the default."
)
# Packages whose applications and servers take `debug`. From their documentations.
_WEB = re.compile(
    r"^(flask\w*|quart\w*|fastapi|starlette|tornado|bottle|sanic|aiohttp\.web|dash|litestar|starlite"
    r"|falcon|connexion|ariadne|strawberry|webapp2|cherrypy"
    r"|uvicorn|hypercorn|socketio|eve|responder|blacksheep|robyn|apiflask|werkzeug|pyramid|django"
    r"|hug|morepath|emmett|molten|masonite|apistar|spyne|nameko|flasgger|jupyter_dash|web)\b"
)
_OTHER_RUNS = re.compile(
    r"^(asyncio|subprocess|trio|anyio|pytest|unittest|click|typer|invoke|fabric|nox|curio|uvloop"
    r"|logging|multiprocessing|concurrent|scrapy|celery|docker|kubernetes|sqlalchemy|pdb|sh|runpy"
    r"|timeit|cProfile)\b"
)
_APPLICATIONS = re.compile(
    r"(?i)^(\w*_)?(app|application|server|api|site|service|web|bottle|flask|dash|socketio|socket_io"
    r"|wsgi|asgi|webapp)\d*$"
)
_RUNS = frozenset({
    "run", "run_server", "run_app", "run_simple", "run_task", "serve", "run_async", "run_debug", "start_server"
})  # fmt: skip
_SWITCHES = ("debug", "use_debugger", "use_evalex", "serve_traceback", "debugger", "with_debugger")
_KEYS = frozenset({
    "DEBUG", "debug", "TEMPLATE_DEBUG", "FLASK_DEBUG", "QUART_DEBUG", "DJANGO_DEBUG", "USE_DEBUGGER", "DEBUG_MODE",
    "APP_DEBUG", "serve_traceback", "DEBUG_TB_ENABLED", "use_debugger", "DEBUG_PROPAGATE_EXCEPTIONS"
})  # fmt: skip
_DJANGO_NAMES = frozenset({
    "ROOT_URLCONF", "INSTALLED_APPS", "MIDDLEWARE", "MIDDLEWARE_CLASSES", "WSGI_APPLICATION", "ASGI_APPLICATION",
    "DATABASES", "TEMPLATES",
    "AUTH_USER_MODEL", "STATIC_URL", "STATIC_ROOT", "AUTH_PASSWORD_VALIDATORS", "DEFAULT_AUTO_FIELD",
    "LANGUAGE_CODE", "USE_TZ", "INTERNAL_IPS", "ALLOWED_HOSTS", "SITE_ID", "MEDIA_ROOT", "STATICFILES_DIRS",
    "CSRF_TRUSTED_ORIGINS",
})  # fmt: skip
_SETTING_NAMES = _DJANGO_NAMES | {
    "SECRET_KEY", "SQLALCHEMY_DATABASE_URI", "TESTING", "TIME_ZONE", "SESSION_COOKIE_SECURE",
    "SESSION_COOKIE_HTTPONLY", "CACHES", "MAX_CONTENT_LENGTH",
    "SEND_FILE_MAX_AGE_DEFAULT", "SERVER_NAME", "PREFERRED_URL_SCHEME", "TEMPLATES_AUTO_RELOAD",
    "SQLALCHEMY_TRACK_MODIFICATIONS", "JSON_SORT_KEYS", "EMAIL_HOST", "DATABASE_URL", "WTF_CSRF_ENABLED", "LOGGING",
}  # fmt: skip
_SETTINGS_CLASS = re.compile(
    r"(Config|Configuration|Settings|Options|Switches|Prod|Production|Live|Common|Base|Deployment"
    r"|Environment)\w*$"
)
_SETTINGS_FILE = re.compile(
    r"(^|/)(\w*settings\w*|\w*config\w*|production|prod|base|common|live|defaults?)(/\w+)?\.py$"
)


def is_on(value: Value | None) -> bool:
    """Whether the value is, or is by default, true."""
    if value is None or value.marks:
        return False
    some = [one for one in value.some if one is not None]
    return bool(some) and all(_truth(one) for one in some)


def _truth(one: object) -> bool:
    return (
        one.strip().lower() not in {"", "0", "false", "no", "off", "none", "f", "n"}
        if isinstance(one, str)
        else bool(one)
    )


def _report(call: Call, value: Value | None, rule: str = RULE, message: str = "") -> None:
    unguarded(call, message or (_ON if value is None or value.closed else _DEFAULT), rule)


def _is_web(call: Call) -> bool:
    """Whether the call makes or starts a web application."""
    if any(_WEB.match(name) for name in call.names):
        return True
    if not call.last & _RUNS or any(_OTHER_RUNS.match(name) for name in call.names):
        return False
    func = call.node.func if isinstance(call.node, ast.Call) else None
    if call.receiver.things and not call.receiver.names:
        return False
    if not isinstance(func, ast.Attribute):
        return False
    if _named_application(func.value) or any(name.endswith("().run") for name in call.names):
        return True
    return not call.names and bool(call.kwargs.keys() & {"host", "port"} or (len(call.kwargs) == 1 and not call.args))


def _named_application(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return bool(_APPLICATIONS.match(name)) or isinstance(node, ast.Call)


def _switch(call: Call) -> Value | None:
    """The switch that a call turns on, if it does: by keyword, or as the third argument of `run`."""
    for name in _SWITCHES:
        value = call.kwargs.get(name)
        if value is not None and is_on(value):
            return value
    third = call.args[2] if len(call.args) > 2 else None  # noqa: PLR2004 - run(host, port, debug)
    if (
        third is not None
        and "run" in call.last
        and any(re.match(r"(flask|quart)\w*\.\w+\(\)\.run$", name) for name in call.names)
    ):
        return third if is_on(third) else None
    if call.is_a("bottle.debug", "bottle.debug.debug") and (not call.args or is_on(call.args[0])):
        return call.args[0] if call.args else Value(some=frozenset([True]), closed=True)
    return None


def _any(call: Call) -> None:
    if not isinstance(call.node, ast.Call):
        return
    if (call.kwargs or call.args) and (value := _switch(call)) is not None and (_is_web(call) or _handed(call)):
        _report(call, value)


def _handed(call: Call) -> bool:
    """`Middleware(ServerErrorMiddleware, debug=True)`, `app.add_middleware(...)`."""
    return bool(call.args) and any(_WEB.match(name) for name in call.args[0].names) and "debug" in call.kwargs


def _configured(call: Call) -> None:
    """`app.config.update(DEBUG=True)`, `from_mapping({...})`, `settings.configure(...)`, `Env(DEBUG=(bool, True))`."""
    value = call.kwargs.get("DEBUG") or call.kwargs.get("debug")
    if "configure" in call.last:
        if is_on(value):
            _report(call, value, DJANGO)
        return
    if "Env" in call.last or "FileAwareEnv" in call.last:
        default = value.item(1) if value is not None else None
        if is_on(default):
            _report(call, default, DJANGO, _DEFAULT)
        return
    held = next((one.item(key) for one in call.args for key in ("DEBUG", "debug") if one.item(key) is not None), None)
    found = value if value is not None else held
    func = call.node.func if isinstance(call.node, ast.Call) else None
    owner = ast.unparse(func.value) if isinstance(func, ast.Attribute) else ""
    if is_on(found) and re.search(r"(?i)config|conf$|settings|options", owner):
        _report(call, found)


def _item(call: Call) -> None:
    """`app.config["DEBUG"] = True`, `os.environ["FLASK_DEBUG"] = "1"`."""
    key, value = call.args[0], call.args[1]
    target = call.node.value if isinstance(call.node, ast.Subscript) else None
    if not key.known or target is None:
        return
    if (is_on(value) and key.const in _KEYS) or _is_development(key.const, value):
        text = ast.unparse(target)
        if re.search(r"(?i)conf|settings|environ|options", text) and not places.thrown_away(
            call.frame, ast.unparse(call.node)
        ):
            _report(call, value)


def _is_development(key: object, value: Value) -> bool:
    if key == "WERKZEUG_DEBUG_PIN":
        return value.texts == ("off",)
    return key in {"FLASK_ENV", "QUART_ENV", "ENV"} and value.texts == ("development",)


def _put(call: Call) -> None:
    """`os.environ.setdefault("FLASK_DEBUG", "1")`, `os.putenv(...)`."""
    if len(call.args) > 1 and call.args[0].known:
        key = call.args[0].const
        func = call.node.func if isinstance(call.node, ast.Call) else None
        owner = ast.unparse(func) if func is not None else ""
        on = (key in _KEYS and is_on(call.args[1])) or _is_development(key, call.args[1])
        if on and re.search(r"(?i)conf|settings|environ|putenv", owner):
            _report(call, call.args[1])


def _attribute(call: Call) -> None:
    """`app.debug = True`, `app.config.DEBUG = True`."""
    name, value = call.args[0].const, call.args[1]
    target = call.node.value if isinstance(call.node, ast.Attribute) else None
    if name not in {"debug", "DEBUG", "use_debugger", "testing_debug"} or not is_on(value):
        return
    web = any(_WEB.match(one) for one in call.receiver.names)
    text = ast.unparse(target) if target is not None else ""
    if not web and call.receiver.things and not call.receiver.names and not re.search(r"(?i)settings|config", text):
        return
    if (
        web
        or (name == "DEBUG" and re.search(r"(?i)conf|settings|options", text))
        or (target is not None and _named_application(target))
    ) and not places.thrown_away(call.frame, f"{text}.{name}"):
        _report(call, value)


def _whole(call: Call) -> None:
    """`app.config |= {"DEBUG": True}`."""
    value = next((one for key in ("DEBUG", "debug") if (one := call.args[1].item(key)) is not None), None)
    if is_on(value) and isinstance(call.frame.at, ast.AugAssign | ast.Assign):
        _report(call, value)


def _setting(call: Call) -> None:
    """`DEBUG = True` among settings, of a module or of a class."""
    name, value = call.args[0].const, call.args[1]
    if name not in {"DEBUG", "debug", "TEMPLATE_DEBUG", "FLASK_DEBUG"}:
        return
    frame, at = call.frame, call.frame.at
    node = at.value if isinstance(at, ast.Assign | ast.AnnAssign) else None
    values = [value, *places.default_values(frame, node)]
    switched = next((one for one in values if is_on(one)), None)
    if switched is None and isinstance(node, ast.Call):
        switched = _read(call, node)
    if switched is None or places.thrown_away(frame, str(name)):
        return
    if frame.inside is not None and frame.function is None:
        if _is_settings_class(call, str(name)):
            _report(call, switched)
    elif frame.function is None and name != "debug" and _is_settings_module(call):
        _report(call, switched, DJANGO if _is_django(call) else RULE)


def _read(call: Call, node: ast.Call) -> Value | None:
    """The default of `env.bool("DEBUG", default=True)`, `config("DEBUG", default=True)`, `strtobool(...)`."""
    inner = next(
        (
            one
            for one in ast.walk(node)
            if isinstance(one, ast.Call)
            and len(one.args) + len(one.keywords) > 1
            and one.args
            and isinstance(one.args[0], ast.Constant)
        ),
        None,
    )
    if inner is None:
        return None
    given = next(
        (one.value for one in inner.keywords if one.arg in {"default", "fallback"}),
        inner.args[1] if len(inner.args) > 1 else None,
    )
    value = call.frame.evaluate(given) if given is not None else None
    return (
        value.but(closed=False)
        if value is not None
        and is_on(value)
        and any(
            _truth(one) and (not isinstance(one, str) or one.lower() in {"1", "true", "yes", "on", "t", "y"})
            for one in value.some
        )
        else None
    )


def _is_settings_class(call: Call, name: str) -> bool:
    owner = call.frame.inside
    if owner is None or places.for_development(owner.name) or places.for_development(_file(call)):
        return False
    names = {
        one.id
        for statement in owner.node.body
        for one in ast.walk(statement)
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }
    known = bool(names & _SETTING_NAMES) or _SETTINGS_CLASS.search(owner.name) is not None
    if name == "debug":
        return owner.derived("BaseSettings", "Settings", "Config", "Struct") or (
            known and "BaseModel" not in "".join(owner.outside())
        )
    return (
        known
        or any(_SETTINGS_CLASS.search(one.name) for one in owner.family())
        or bool(re.search(r"(?i)config|settings", call.frame.module.path))
    )


def _file(call: Call) -> str:
    return call.frame.module.path.rpartition("/")[2].removesuffix(".py") if "/" in call.frame.module.path else ""


def _stored(call: Call) -> set[str]:
    found: set[str] = set()
    for one in call.frame.module.tree.body:
        targets = one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
        found |= {held.id for held in targets if isinstance(held, ast.Name)}
    return found


def _is_django(call: Call) -> bool:
    return bool(_stored(call) & _DJANGO_NAMES)


def _is_settings_module(call: Call) -> bool:
    if places.for_development(_file(call)):
        return False
    module = call.frame.module
    if _stored(call) & _SETTING_NAMES or _SETTINGS_FILE.search(module.path):
        return True
    return any(
        isinstance(one, ast.Call)
        and isinstance(one.func, ast.Attribute)
        and one.func.attr == "from_object"
        and "__name__" in ast.unparse(one)
        for one in ast.walk(module.tree)
    )


def _option(call: Call) -> None:
    """`define("debug", default=True)` of Tornado, `add_argument("--debug", default=True)` of a server's script."""
    name = call.args[0].texts[:1] if call.args else ()
    default = call.arg(1, "default") if "define" in call.last else call.arg(None, "default")
    if name and naming.words(name[0])[-1:] == ("debug",) and is_on(default):
        web = any(
            _WEB.match(getattr(one, "module", "") or one.names[0].name)
            for one in call.frame.module.tree.body
            if isinstance(one, ast.Import | ast.ImportFrom)
        )
        if web:
            _report(call, default, message=_DEFAULT)


CHECKS: Checks = table(
    (_any, ("",)),
    (
        _configured,
        ("update", "from_mapping", "configure", "Env", "FileAwareEnv", "from_dict", "load_dict", "update_config"),
    ),
    (_item, ("=[]",)),
    (_put, ("setdefault", "putenv", "__setitem__")),
    (_attribute, ("=debug", "=DEBUG", "=use_debugger")),
    (_whole, ("=config",)),
    (_setting, ("=name",)),
    (_option, ("define", "add_argument", "option", "Option")),
)
