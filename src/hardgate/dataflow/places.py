"""Functions that make and take apart paths and addresses, decode texts, sign them, or run another function."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from hardgate.dataflow import texts
from hardgate.dataflow.assigning import element
from hardgate.dataflow.charsets import FAMILIES, SHAPED, addressed
from hardgate.dataflow.frame import Call
from hardgate.dataflow.given import Result, each, nothing_of, plain, safe, same
from hardgate.dataflow.origins import decoded_constant
from hardgate.dataflow.pythonic import apply
from hardgate.dataflow.values import HOLE, OURS, UNKNOWN, Mark, Value, constant, container, join, made_safe, mapped

_NOTHING: frozenset[tuple[str, str]] = frozenset()
_SIGNED = re.compile(r"(?i)(^|\.)(jwt|jose|itsdangerous|signing)\b|(Serializer|Signer|Fernet)\(\)")


def _bare(mark: Mark) -> Mark:
    # What can be made of letters, digits and `_` alone is harmless also when it is decoded: it stays what it is.
    return mark if mark.safe >= SHAPED else dataclasses.replace(mark, safe=frozenset(), gone=frozenset())


def _decoded(call: Call) -> Value:
    """`unquote` and the like bring back what a check has refused; what is written in the code stays known."""
    if (written := decoded_constant(call)) is not None:
        return written
    return mapped(Value(marks=same(call).deep(), kind="text"), _bare)


def _resolved(call: Call) -> Value:
    """`os.path.normpath("/" + x)` is below "/" whatever x is; what begins elsewhere may climb out of it."""
    value = same(call)
    rooted = value.text == "/" + HOLE
    kind = "resolved rooted" if rooted else "resolved"
    return value.but(kind=kind, some=frozenset(), closed=False, text=value.text if not value.closed else None)


def _common(call: Call) -> Value:
    """`os.path.commonpath([folder, path])`: it does not resolve `..` itself."""
    inside = join([element(one) for one in call.args])
    held = [one for arg in call.args for _, one in arg.items or ()]
    about = frozenset((name, "path") for one in held if "resolved" in one.kind for name, _ in one.about)
    return Value(marks=inside.marks, about=about)


def _relative(call: Call) -> Value:
    """`os.path.relpath(path, folder)` begins with `..` when the path is not in the folder; it resolves both."""
    value = same(call)
    return Value(marks=value.marks, about=frozenset((name, "path") for name, _ in value.about), kind="relative")


def _split(call: Call) -> Value:
    """`os.path.splitext(x)[1]`, `os.path.split(x)[1]`: no slash is in the second part."""
    value = same(call)
    if value.known and isinstance(value.const, str) and "splitext" in call.last:
        stem, dot, suffix = value.const.rpartition(".")
        return container("tuple", [(0, constant(stem if dot else suffix)), (1, constant(dot + suffix if dot else ""))])
    part = Value(marks=value.marks, about=frozenset((name, "part") for name, _ in value.about))
    return container("tuple", [(0, part), (1, made_safe(part, ("path",)))])


def _url_joined(call: Call) -> Value:
    """`urljoin(base, x)`: an address with a host in x takes the place of the base (RFC 3986 section 5.2)."""
    base, url = call.arg(0, "base") or UNKNOWN, call.arg(1, "url") or UNKNOWN
    fixed = "redirect" in addressed(url.fixed)
    text = None
    if not url.deep() or (fixed and not url.fixed.startswith(("http:", "https:"))):
        start = base.fixed if "ssrf" in addressed(base.fixed) else base.fixed.rstrip("/") + "/"
        text = start.replace(OURS[1], OURS) + HOLE if base.fixed else (None if base.deep() else OURS + "/" + HOLE)
    return Value(marks=base.marks | url.marks, about=url.about, kind="text", text=text)


def _url_made(call: Call) -> Value:
    """`urlunsplit((scheme, host, path, query, fragment))`."""
    parts = same(call)
    host, scheme = parts.item(1), parts.item(0)
    if host is None or scheme is None or not (host.text or not host.deep()) or host.texts == ("",):
        return Value(marks=parts.deep(), kind="text")
    pieces = [scheme, constant("://"), host]
    for number in range(2, 6):
        piece = parts.item(number)
        pieces += [constant("/"), piece] if piece is not None else []
    return texts.joined(pieces)


def _parsed(call: Call) -> Value:
    value = same(call)
    return Value(marks=value.marks, about=value.about, names=frozenset({"urllib.parse.urlparse()"}))


def _replaced(call: Call) -> Value:
    """`parts._replace(netloc=...)`: with a host of ours it leads there."""
    host = call.arg(None, "netloc")
    fixed = host is not None and not host.deep() and host.texts != ("",)
    marks = call.receiver.deep().union(*(one.deep() for one in call.kwargs.values()))
    made = Value(marks=marks, names=call.receiver.names)
    return made_safe(made, ("ssrf", "redirect")) if fixed else made


def _signature(call: Call) -> Value:
    """`hmac.new(key, message)`: who knows a message's code had it from us."""
    message = call.arg(1, "msg")
    about = frozenset((name, "signed") for name, one in message.about if one == "whole") if message else _NOTHING
    return Value(names=frozenset({"hmac.new()"}), about=about)


def _digest(call: Call) -> Value:
    about = call.receiver.about if call.receiver.named("hmac.new()") else _NOTHING
    return nothing_of(call).but(about=about)


def _opened_token(call: Call) -> Value:
    """What was signed or encrypted with our key is ours; other `loads` only read."""
    if any(_SIGNED.search(name) and "unsafe" not in name and "b64" not in name for name in call.names):
        return nothing_of(call)
    return Value(marks=plain(call).marks, names=plain(call).names)


def _host_found(call: Call) -> Value:
    """The addresses of a host name: a check on them is one on the host."""
    value = same(call)
    about = frozenset(one for one in value.about if one[1] in {"host", "whole"})
    found = Value(marks=value.deep(), about=about, names=frozenset(f"{name}()" for name in call.names))
    if "getaddrinfo" not in call.last:
        return found
    # (family, type, protocol, name, (address, port, ...)) for each
    return found.but(rest=container("tuple", [(4, container("tuple", [(0, found)]))]), kind="list", about=_NOTHING)


def _number_of_host(call: Call) -> Value:
    """`ipaddress.ip_address(x)` raises ValueError for all but an address in numbers."""
    value = same(call)
    about = frozenset(one for one in value.about if one[1] in {"host", "whole"})
    made = Value(marks=value.deep(), names=frozenset({"ipaddress.ip_address()"}), about=about)
    return made_safe(made, FAMILIES - {"ssrf"})


def _pooled(call: Call) -> Value:
    """`pool.starmap(function, list of args)`."""
    if len(call.args) < 2 or not _callable(call.args[0]):  # noqa: PLR2004 (so many arguments)
        return plain(call)
    given = element(call.args[1])
    return apply(call, call.args[0], [one for _, one in given.items or ()])


def _callable(value: Value) -> bool:
    return bool(value.things or value.names) and not value.marks


def _stream(call: Call) -> Value:
    value = same(call)
    return value.but(names=value.names | {name + "()" for name in call.names}, kind="", about=_NOTHING)


# https://docs.python.org/3/library/os.path.html, .../urllib.parse.html, .../hmac.html, .../ipaddress.html
PLACES: Mapping[str, Result] = {
    **each((
        "urllib.parse.parse_qs", "urllib.parse.parse_qsl", "cgi.parse_qs", "urllib.parse.unquote",
        "urllib.parse.unquote_plus", "urllib.parse.unquote_to_bytes", "html.unescape", "base64.b64decode",
        "base64.urlsafe_b64decode", "base64.b32decode", "base64.b16decode", "binascii.unhexlify",
        "binascii.a2b_base64", "base64.decodebytes",
        "base64.standard_b64decode", "codecs.decode", "werkzeug.urls.url_unquote",
        "django.utils.http.urlsafe_base64_decode", "bytes.fromhex", "requests.utils.unquote",
    ), _decoded),
    **each(("os.path.normpath", "posixpath.normpath", "os.path.abspath", "posixpath.abspath", "os.path.realpath",
    "posixpath.realpath"), _resolved),
    **each(("os.path.commonpath", "posixpath.commonpath"), _common),
    **each(("os.path.commonprefix",), lambda call: Value(marks=frozenset().union(*(one.deep() for one in call.args)))),
    **each(("os.path.relpath", "posixpath.relpath"), _relative),
    **each(("os.path.splitext", "os.path.split", "posixpath.splitext", "posixpath.split", "ntpath.splitext"), _split),
    **each(("urllib.parse.urljoin", "urlparse.urljoin", "requests.compat.urljoin"), _url_joined),
    **each(("urllib.parse.urlunsplit", "urllib.parse.urlunparse", "urlparse.urlunparse"), _url_made),
    **each(("hmac.new", "hmac.digest", "hmac.HMAC"), _signature),
    **each(("socket.gethostbyname", "socket.getaddrinfo", "socket.gethostbyname_ex"), _host_found),
    **each(("ipaddress.ip_address", "ipaddress.IPv4Address", "ipaddress.IPv6Address"), _number_of_host),
    **each(("io.BytesIO", "io.StringIO"), _stream),
    **each(("tldextract.extract", "rfc3986.urlparse", "rfc3986.uri_reference", "hyperlink.parse",
    "urllib3.util.url.parse_url"), _parsed),
    **each(("uuid.uuid5", "uuid.uuid3"), nothing_of),
    **each((
        "django.core.files.storage.default_storage.path", "django.core.files.storage.FileSystemStorage().path",
        "django.core.files.storage.default_storage.get_valid_name",
        "django.core.files.storage.default_storage.get_available_name",
        "django.core.files.storage.FileSystemStorage().get_valid_name",
    ), safe("path")),
    # They tell of a file or of a kind of data, and hold nothing of its name.
    **each((
        "mimetypes.guess_type", "mimetypes.guess_extension", "mimetypes.guess_all_extensions", "os.stat", "os.lstat",
        "os.path.getsize",
        "os.path.getmtime", "os.path.getctime", "zlib.crc32", "zlib.adler32", "os.fstat", "shutil.disk_usage",
    ), nothing_of),
    **each(("django.utils.encoding.iri_to_uri", "django.utils.encoding.filepath_to_uri"), safe("header", "xss")),
    **each(("pathvalidate.sanitize_filename", "werkzeug.secure_filename", "flask.helpers.safe_join"), safe("path",
    "header")),
}  # fmt: skip
PLACES_METHODS: Mapping[str, Result] = {
    **each(("loads", "unsign", "unsign_object", "decrypt"), _opened_token),
    **each(("hexdigest", "digest"), _digest),
    "_replace": _replaced,
    "starmap": _pooled,
}
