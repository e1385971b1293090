"""Functions of libraries: how data from outside goes through them, and what makes it harmless."""

from __future__ import annotations

import ast

from hardgate.dataflow import charsets, texts
from hardgate.dataflow.assigning import element
from hardgate.dataflow.frame import Call
from hardgate.dataflow.given import Result, each, nothing_of, plain, safe, same
from hardgate.dataflow.values import (
    UNKNOWN,
    Const,
    Value,
    accounted,
    constant,
    join,
    made_safe,
    without,
)

_SPELLED = (
    "xss", "xss-attr", "xss-word", "xss-url", "header", "directive", "sql", "command", "template", "ldap", "xpath",
    "xml", "log",
)  # fmt: skip
_ENCODED = (*_SPELLED, "redirect", "ssrf", "path")


def _path(call: Call) -> Value:
    pieces: list[Value] = []
    for number, one in enumerate([*call.args, *([call.star.every()] if call.star else [])]):
        pieces += [constant("/"), one] if number else [one]
    made = texts.joined(pieces, paths=True) if pieces else UNKNOWN
    names = frozenset(f"{name}()" for name in call.names if "Path" in name)
    about = call.args[0].about if len(call.args) == 1 else frozenset()
    return made.but(names=names, about=about, kind="" if names else "text")


def _under(call: Call) -> Value:
    """`path.joinpath(...)`, `path.with_name(...)`."""
    pieces = [call.receiver]
    for one in [*call.args, *([call.star.every()] if call.star is not None else [])]:
        pieces += [constant("/"), one]
    return texts.joined(pieces, paths=True).but(names=call.receiver.names, kind="")


def _resolved(call: Call) -> Value:
    value = call.args[0] if call.args else call.receiver
    return value.but(kind="resolved", some=frozenset(), closed=False)


def _base_name(call: Call) -> Value:
    value = same(call)
    return made_safe(
        Value(
            marks=value.marks,
            text=value.text,
            about=frozenset((name, "part") for name, _ in value.about),
            sure=value.sure,
        ),
        ("path",),
    )


def _common(call: Call) -> Value:
    inside = join([element(one) for one in call.args])
    about = frozenset((name, "path") for one in call.args for _, held in one.items or () for name, _ in held.about)
    return Value(marks=inside.marks, about=about)


def _parsed(call: Call) -> Value:
    value = call.args[0] if call.args else UNKNOWN
    return Value(marks=value.marks, about=value.about, sure=value.sure, names=frozenset({"urllib.parse.urlparse()"}))


def _quoted(call: Call) -> Value:
    value = same(call)
    safe = call.arg(1, "safe")
    whole = call.last & {"quote_plus", "urlencode", "urllib_quote_plus"} or (safe is not None and safe.texts == ("",))
    families = _ENCODED if whole else _SPELLED
    return made_safe(Value(marks=value.deep(), kind="text", sure=accounted(value)), families)


def _link(call: Call) -> Value:
    # The application's own addresses; values in them are percent-encoded.
    return made_safe(
        Value(marks=frozenset().union(*(one.deep() for one in call.all())), text="/a\0", kind="text"), _ENCODED
    )


def _compiled(call: Call) -> Value:
    return Value(items=(("pattern", call.args[0]),), names=frozenset({"re.Pattern()"})) if call.args else UNKNOWN


def pattern_of(call: Call, position: int) -> tuple[Value | None, Value | None, int]:
    """The regular expression of a call of `re` or of a compiled one, its subject, and where its arguments go on."""
    held = call.receiver.item("pattern") if call.receiver.items is not None else None
    if held is not None:
        return held, call.arg(position - 1, "string"), 0
    return call.arg(0, "pattern"), call.arg(position, "string"), 1


def _matched(call: Call) -> Value:
    pattern, subject, _ = pattern_of(call, 1)
    if subject is None or pattern is None:
        return plain(call)
    made = Value(marks=subject.marks, sure=subject.sure)
    items: list[tuple[Const, Value]] = []
    if pattern.known and isinstance(pattern.const, str) and made.marks:
        items = [(key, made_safe(made, some)) for key, some in charsets.safe_groups(pattern.const).items()]
    return Value(
        rest=made,
        items=tuple(items) or None,
        kind="list",
        marks=made.marks,
        test=call.node if isinstance(call.node, ast.expr) else None,
        names=frozenset({"re.Match()"}),
    )


def _group(call: Call) -> Value:
    if call.receiver.named("re.Match()"):
        value = call.receiver
        if "group" in call.last:
            chosen = [value.item(one.const) or value.rest or UNKNOWN for one in call.args if one.known]
            whole = value.item(0) or value.rest or UNKNOWN
            return join(chosen) if len(chosen) == len(call.args) == 1 else (whole if not call.args else value.every())
        if "groupdict" in call.last:
            named_groups = tuple(one for one in value.items or () if isinstance(one[0], str))
            return Value(items=named_groups, rest=value.rest, kind="dict")
        numbered = [(key, held) for key, held in value.items or () if isinstance(key, int) and key > 0]
        return Value(items=tuple((key - 1, held) for key, held in numbered), rest=value.rest, kind="list")
    return plain(call)


def _substituted(call: Call) -> Value:
    pattern, subject, skipped = pattern_of(call, 2)
    replacement = call.arg(skipped, "repl")
    if subject is None:
        return plain(call)
    made = Value(marks=subject.marks | (replacement.marks if replacement else frozenset()), kind="text")
    if (
        pattern is not None
        and pattern.known
        and isinstance(pattern.const, str)
        and replacement is not None
        and replacement.closed
    ):
        families, gone = charsets.removed_by(pattern.const)
        written = "".join(replacement.texts)
        return without(
            made_safe(made, {one for one in families if not charsets.DANGEROUS[one] & set(written)}),
            gone - set(written),
        )
    return made


# Settings of the environment or a file, with a default: pypi.org/project/python-decouple, django-environ, environs,
# starlette.dev/config
_SETTINGS = (
    "decouple.config", "decouple.AutoConfig()", "decouple.Config()", "prettyconf.config", "starlette.config.Config()",
    "starlette.config.Config().get",
    *(
        f"{owner}{reader}"
        for owner in ("environ.Env()", "environs.Env()", "environs.FileAwareEnv()")
        for reader in ("", ".bool", ".str", ".int", ".get_value")
    ),
)  # fmt: skip


def _setting(call: Call) -> Value:
    default = call.arg(None, "default")
    if default is None and len(call.args) > 1 and not any("starlette" in name for name in call.names):
        default = call.args[1]
    texts_of = [text for one in call.args[:1] for text in one.texts]
    names = frozenset({"os.environ[]", *(f"os.environ[{text}]" for text in texts_of)})
    return Value(names=names, some=default.some if default is not None else frozenset())


def _filter(call: Call) -> Value:
    """`filter_format(template, values)`: values are escaped, the template is not."""
    template = call.arg(0, "filter_template") or UNKNOWN
    return Value(marks=template.deep(), kind="text", sure=accounted(template))


def _declaration(call: Call) -> Value:
    """`Query(default, pattern=...)` and its kin, as the default of a parameter."""
    pattern = call.arg(None, "pattern", "regex") or UNKNOWN
    return Value(items=(("pattern", pattern),), some=(call.arg(0, "default") or UNKNOWN).some)


def _environment(call: Call) -> Value:
    key, default = call.arg(0, "key", "varname"), call.arg(1, "default")
    names = frozenset({"os.environ[]"}) | frozenset(f"os.environ[{text}]" for text in (key.texts if key else ()))
    return Value(names=names, some=default.some if default is not None else frozenset([None]), text=None)


LIBRARY: dict[str, Result] = {
    **each((
        "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath", "os.path.join",
        "posixpath.join"
    ), _path),
    **each(("os.path.realpath", "os.path.abspath", "os.path.normpath", "os.path.expanduser"), _resolved),
    **each(("os.path.basename", "ntpath.basename", "posixpath.basename"), _base_name),
    **each(("os.path.commonpath", "os.path.commonprefix"), _common),
    **each((
        "werkzeug.utils.secure_filename", "django.utils.text.get_valid_filename", "django.utils.text.slugify",
        "slugify.slugify"
    ), safe("path", "header", "command", "xss", "xss-attr", "xss-word", "xss-url", "redirect", "ssrf", "sql",
         "template")),
    **each((
        "werkzeug.utils.safe_join", "flask.safe_join", "werkzeug.security.safe_join", "django.utils._os.safe_join"
    ), lambda call: made_safe(Value(marks=frozenset().union(*(one.deep() for one in call.all()))), ("path",))),
    **each((
        "urllib.parse.urlparse", "urllib.parse.urlsplit", "urllib3.util.parse_url", "yarl.URL", "httpx.URL",
        "furl.furl"
    ), _parsed),
    **each((
        "urllib.parse.quote", "urllib.parse.quote_plus", "urllib.parse.urlencode", "django.utils.http.urlencode",
        "werkzeug.urls.url_quote", "django.utils.http.urlquote"
    ), _quoted),
    **each((
        "flask.url_for", "django.urls.reverse", "django.urls.reverse_lazy", "django.shortcuts.resolve_url.",
        "quart.url_for"
    ), _link),
    **each((
        "flask.jsonify", "django.http.JsonResponse", "fastapi.responses.JSONResponse",
        "starlette.responses.JSONResponse", "rest_framework.response.Response", "flask.render_template",
        "django.shortcuts.render", "django.template.loader.render_to_string", "fastapi.responses.ORJSONResponse"
    ), nothing_of),
    # They raise unless a signature is right, or the password is: https://pyjwt.readthedocs.io/en/stable/api.html,
    # https://docs.djangoproject.com/en/stable/ref/contrib/auth/
    **each((
        "jwt.decode", "jwt.decode_complete", "jose.jwt.decode", "jose.jws.verify", "authlib.jose.jwt.decode",
        "django.core.signing.loads", "django.contrib.auth.authenticate", "django.contrib.auth.aauthenticate",
        "django.contrib.auth.get_user", "jwcrypto.jwt.JWT", "google.oauth2.id_token.verify_oauth2_token",
        "firebase_admin.auth.verify_id_token",
    ), nothing_of),
    **each(("shlex.quote", "pipes.quote"), safe("shell-word")),
    "shlex.join": safe("command"),
    **each(("re.match", "re.fullmatch", "re.search"), _matched),
    "re.compile": _compiled, "re.sub": _substituted,
    **each(("os.environ.get", "os.getenv", "environ.get"), _environment),
    **each(_SETTINGS, _setting),
    **each((
        "base64.b64encode", "base64.urlsafe_b64encode", "base64.b32encode", "binascii.hexlify", "base64.b16encode"
    ), safe(*charsets.FAMILIES)),
    **each((
        "uuid.UUID", "decimal.Decimal", "datetime.datetime.strptime", "datetime.date.fromisoformat",
        "datetime.datetime.fromisoformat", "fractions.Fraction", "bson.ObjectId", "bson.objectid.ObjectId"
    ), nothing_of),
    **each((
        "ipaddress.ip_address", "ipaddress.ip_network", "ipaddress.IPv4Address", "ipaddress.IPv6Address"
    ), safe(*sorted(charsets.FAMILIES - {"ssrf"}))),
    **each((
        "ldap.filter.escape_filter_chars", "ldap3.utils.conv.escape_filter_chars", "bonsai.escape_filter_exp"
    ), safe("ldap")),
    **each((
        "ldap.dn.escape_dn_chars", "ldap3.utils.dn.escape_rdn", "bonsai.escape_attribute_value"
    ), safe("ldap-name")),
    "ldap.filter.filter_format": _filter,
    **each((
        "sqlalchemy.text", "sqlalchemy.sql.text", "sqlalchemy.literal_column", "sqlalchemy.sql.expression.text"
    ), nothing_of),
    **each((
        "psycopg2.sql.Identifier", "psycopg2.sql.Literal", "psycopg.sql.Identifier", "psycopg.sql.Literal",
        "psycopg2.extensions.quote_ident", "sqlalchemy.bindparam"
    ), safe("sql")),
    **each(("json.loads", "ast.literal_eval", "tomllib.loads"), lambda call: Value(marks=same(call).deep())),
    **each((
        "hmac.compare_digest", "secrets.compare_digest"
    ), lambda call: Value(test=call.node if isinstance(call.node, ast.expr) else None)),
    **each((
        "itertools.chain", "itertools.islice", "itertools.chain.from_iterable"
    ), lambda call: Value(rest=join([element(one) for one in call.all()] or [UNKNOWN]), kind="list")),
    "open": nothing_of,
    **each((
        "fastapi.Depends", "fastapi.Security", "fastapi.params.Depends"
    ), lambda call: Value(items=(("depends", call.arg(0, "dependency") or UNKNOWN),))),
    **each((
        f"fastapi.{one}" for one in ("Query", "Path", "Header", "Cookie", "Form", "Body", "File")
    ), _declaration),
    **each((
        "pydantic.Field", "pydantic.StringConstraints", "pydantic.constr"
    ), lambda call: Value(items=(("pattern", call.arg(None, "pattern", "regex") or UNKNOWN),))),
}  # fmt: skip

LIBRARY_METHODS: dict[str, Result] = {
    **each(("joinpath", "with_name", "with_suffix"), _under),
    "resolve": _resolved,
    **each((
        "match", "fullmatch", "search"
    ), lambda call: _matched(call) if call.receiver.item("pattern") is not None else plain(call)),
    "sub": lambda call: _substituted(call) if call.receiver.item("pattern") is not None else plain(call),
    **each(("group", "groups", "groupdict"), _group),
}  # fmt: skip
