"""Addresses that data from outside decides: of servers that this one calls (SSRF), and of where the browser is sent."""

from __future__ import annotations

import ast
import re

from hardgate.dataflow.charsets import addressed
from hardgate.dataflow.families.common import Checks, refuse, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Value

_SSRF = "python-ssrf"
_CALLED = "Data from outside decides which server is called."
_REDIRECT = "python-open-redirect"
_SENT = "Data from outside decides where the browser is sent."
_VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
# Modules and objects whose methods are the verbs of HTTP, with the address first.
# https://requests.readthedocs.io/en/latest/api/, https://www.python-httpx.org/api/, https://docs.aiohttp.org/en/stable/
_CLIENTS = (
    "requests", "requests.api", "requests.Session()", "requests.session()", "requests.sessions.Session()", "httpx",
    "httpx.Client()",
    "httpx.AsyncClient()", "aiohttp.ClientSession()", "aiohttp.client.ClientSession()", "grequests", "treq", "asks",
    "requests_futures.sessions.FuturesSession()", "requests_html.HTMLSession()", "requests_html.AsyncHTMLSession()",
    "cloudscraper.create_scraper()", "requests_cache.CachedSession()", "requests_oauthlib.OAuth2Session()",
    "authlib.integrations.requests_client.OAuth2Session()",
    "niquests", "niquests.Session()", "niquests.AsyncSession()", "curl_cffi.requests", "primp.Client()",
    "tls_client.Session()", "aiohttp_client_cache.CachedSession()",
    "selenium.webdriver.Chrome()", "selenium.webdriver.Firefox()", "selenium.webdriver.Remote()",
    "mechanize.Browser()", "requests_toolbelt.sessions.BaseUrlSession()",
)  # fmt: skip
_ADDRESS = (0, "url", "fullurl", "uri", "URL")
_SECOND = (1, "url")
_HOST = (0, "host", "hostname", "server", "address")
_CALLS: dict[str, tuple[int | str, ...]] = {
    **{f"{client}.{verb}": _ADDRESS for client in _CLIENTS for verb in (*_VERBS, "ws_connect", "options")},
    **{f"{client}.{verb}": _SECOND for client in _CLIENTS for verb in ("request", "stream")},
    "requests.Request": _SECOND, "httpx.Request": _SECOND, "aiohttp.request": _SECOND, "urllib3.request": _SECOND,
    **dict.fromkeys((
        "urllib.request.urlopen", "urllib.request.urlretrieve", "urllib.request.Request",
        "urllib.request.build_opener().open",
        "urllib.request.URLopener().open", "urllib.request.FancyURLopener().open",
        "urllib.request.OpenerDirector().open", "urllib2.urlopen", "urllib2.Request", "urllib.urlopen",
        "urllib.urlretrieve",
        "six.moves.urllib.request.urlopen", "httplib2.Http().request", "tornado.httpclient.AsyncHTTPClient().fetch",
        "tornado.httpclient.HTTPClient().fetch", "tornado.httpclient.HTTPRequest", "feedparser.parse",
        "xmlrpc.client.ServerProxy",
        "wget.download", "pdfkit.from_url", "imgkit.from_url", "weasyprint.HTML", "websockets.connect",
        "websockets.sync.client.connect", "websocket.create_connection",
        "websocket.WebSocketApp", "zeep.Client", "suds.client.Client", "jwt.PyJWKClient",
        "jwt.jwks_client.PyJWKClient", "trafilatura.fetch_url", "newspaper.Article", "pandas.read_csv",
        "pandas.read_json", "pandas.read_html", "pandas.read_xml", "pandas.read_excel", "pandas.read_table",
        "imageio.imread", "imageio.v3.imread", "skimage.io.imread",
        "git.Repo.clone_from", "tld.get_tld_", "urllib.robotparser.RobotFileParser", "pymongo.MongoClient",
        "redis.from_url", "redis.Redis.from_url", "ldap.initialize", "asyncssh.connect",
        "torch.hub.load_state_dict_from_url", "torch.hub.download_url_to_file", "mlflow.set_tracking_uri",
        "requests_html.HTMLSession().get", "pycurl.Curl().url", "icalevents.icalevents.events",
        "httpx.HTTPTransport_", "gql.transport.requests.RequestsHTTPTransport",
        "gql.transport.aiohttp.AIOHTTPTransport",
    ), _ADDRESS),
    **dict.fromkeys((f"urllib3.{pool}().{name}" for pool in ("PoolManager", "ProxyManager") for name in ("request",
    "urlopen", "request_encode_url", "request_encode_body")), _SECOND),
    **dict.fromkeys((
        "http.client.HTTPConnection", "http.client.HTTPSConnection", "httplib.HTTPConnection",
        "httplib.HTTPSConnection",
        "urllib3.HTTPConnectionPool", "urllib3.HTTPSConnectionPool", "urllib3.connection_from_url",
        "asyncio.open_connection",
        "ftplib.FTP", "ftplib.FTP_TLS", "ftplib.FTP().connect", "smtplib.SMTP", "smtplib.SMTP_SSL",
        "smtplib.SMTP().connect", "telnetlib.Telnet", "imaplib.IMAP4", "imaplib.IMAP4_SSL",
        "poplib.POP3", "poplib.POP3_SSL", "paramiko.SSHClient().connect", "paramiko.Transport", "ldap3.Server",
        "redis.Redis", "redis.StrictRedis", "asyncio.get_event_loop().create_connection_",
        "anyio.connect_tcp", "trio.open_tcp_stream", "fabric.Connection", "nntplib.NNTP", "pymysql.connect_",
        "kafka.KafkaProducer_",
    ), _HOST),
    **dict.fromkeys(("socket.create_connection", "socket.socket().connect", "socket.socket().connect_ex",
    "ssl.SSLContext().wrap_socket().connect", "ssl.wrap_socket().connect"), (0, "address")),
    "pycurl.Curl().setopt": (1,), "webdriver.get": _ADDRESS,
}  # fmt: skip
_CALLS = {name: place for name, place in _CALLS.items() if not name.endswith("_")}
# Clients that put a base before every address.
_BASES = frozenset(
    {
        "httpx.Client",
        "httpx.AsyncClient",
        "aiohttp.ClientSession",
        "requests_toolbelt.sessions.BaseUrlSession",
        "openai.OpenAI",
        "openai.AsyncOpenAI",
    }
)
# Browsers that are driven by a program. https://playwright.dev/python/docs/api/class-page
_STREAMS = (
    "BytesIO()",
    "StringIO()",
    ".files[]",
    ".files.get()",
    ".FILES[]",
    ".FILES.get()",
    "UploadFile()",
    ".file",
    ".stream",
    ".data",
    ".body",
    ".read()",
    "get_data()",
)


def _called(call: Call) -> None:
    for name in call.names:
        place = _CALLS.get(name)
        if place is not None:
            position, *keywords = place
            called(call, call.arg(position if isinstance(position, int) else None, *map(str, keywords)))
        if name in _BASES:
            called(call, call.arg(None, "base_url"))
            called(call, call.arg(0) if name == "aiohttp.ClientSession" else None)
    if call.names:
        called(
            call, call.arg(None, "proxy", "proxies") if any(name.startswith(_CLIENTS) for name in call.names) else None
        )


def called(call: Call, value: Value | None) -> None:
    """Report when the server that is called is not a fixed one."""
    if value is None or value.kind in {"bytes", "number"} or any(name.endswith(_STREAMS) for name in value.names):
        return
    host = value.item(0)
    if host is not None and value.kind in {"tuple", "list"}:
        value = host
    if "ssrf" not in addressed(value.fixed) and not value.prefix.startswith("/"):
        refuse(call, value, "ssrf", _SSRF, _CALLED)


def _page(call: Call) -> None:
    """`page.goto(address)` of Playwright and Pyppeteer."""
    called(call, call.arg(0, "url"))


# Functions and classes that send the browser elsewhere, by the last part of their name.
_FUNCTIONS = (
    "redirect", "HttpResponseRedirect", "HttpResponsePermanentRedirect", "RedirectResponse", "HTTPFound",
    "HTTPMovedPermanently",
    "HTTPSeeOther", "HTTPTemporaryRedirect", "HTTPPermanentRedirect", "HTTPRedirection", "RequestRedirect",
    "seeother", "HttpResponseTemporaryRedirect",
    "Redirect", "redirect_to",
)  # fmt: skip


def _redirected(call: Call) -> None:
    led(call, call.arg(0, "location", "redirect_to", "url", "to", "new_url"))


def led(call: Call, value: Value | None) -> bool:
    """Report when the browser can be sent to any site."""
    if value is None or value.kind in {"number", "dict", "list"}:
        return False
    if "redirect" in addressed(value.fixed):
        return False
    return refuse(call, value, "redirect", _REDIRECT, _SENT, deep=False)


def _returned(call: Call) -> None:
    """`@app.get("/a", response_class=RedirectResponse)`: what the function returns is the address."""
    function = call.frame.function
    for one in getattr(function.node, "decorator_list", []) if function is not None else []:
        keywords = one.keywords if isinstance(one, ast.Call) else []
        if any(
            word.arg == "response_class" and ast.unparse(word.value).endswith("RedirectResponse") for word in keywords
        ):
            led(call, call.args[0])


def refreshed(call: Call, value: Value) -> bool:
    """The same for the `Refresh` header: a number of seconds, then the address."""
    text = value.text or ""
    _, found, rest = re.sub(r"(?i)url\s*=\s*", "url=", text).partition("url=")
    return led(call, value.but(text=rest) if found else value)


_TARGETS = frozenset({"get_redirect_url", "get_success_url", "get_next_page", "get_default_redirect_url"})


def _answered(call: Call) -> None:
    """What methods return that Django's views redirect to."""
    if set(call.args[0].texts) & _TARGETS:
        led(call, call.args[1])


CHECKS: Checks = table(
    (_called, sorted({name.rpartition(".")[2] for name in (*_CALLS, *_BASES)})),
    (_page, ("goto",)),
    (_redirected, _FUNCTIONS),
    (_answered, ("=return",)),
    (_returned, ("return",)),
)
