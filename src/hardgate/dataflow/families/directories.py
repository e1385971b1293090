"""Injection into queries of trees: LDAP directories and XML documents."""

from __future__ import annotations

from hardgate.dataflow.families.common import Checks, harmful, refuse, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import Value, accounted

_LDAP_RULE = "python-ldap-injection"
_FILTER = "Data from outside becomes part of an LDAP filter."
_NAME = "Data from outside becomes part of a distinguished name."
NAMES = "ldap-name"  # escaped for a distinguished name (RFC 4514), which does not help in a filter (RFC 4515)


def _ldap(call: Call) -> None:
    """python-ldap takes base, scope, filter; ldap3 base, filter; bonsai base, scope, filter."""
    ours = any("ldap" in name.lower() or "bonsai" in name.lower() for name in call.names)
    named = call.arg(None, "search_filter", "filterstr", "filter_exp", "filter")
    places = [value for value in (*call.args[1:3], named) if value is not None]
    if ours or "(" in "".join(value.text or "" for value in places) or call.arg(None, "search_filter", "filterstr"):
        for value in places:
            refuse(call, value, "ldap", _LDAP_RULE, _FILTER)
        _dn(call, call.arg(0, "base", "search_base"))


def _dn(call: Call, value: Value | None) -> None:
    marks = [one for one in harmful(value, "ldap") if NAMES not in one.safe]
    if marks:
        first = marks[0]
        place = f"({first.source}, {first.path}:{first.line})"
        call.report(_LDAP_RULE, f"{_NAME} The data comes from the request {place}.", first.source)
    elif value is not None and not accounted(value):
        call.frame.analysis.judge(call.frame, call.node, _LDAP_RULE, "open")


def _entry(call: Call) -> None:
    """Calls that change or read the one entry that a name stands for."""
    if any("ldap" in name.lower() or "bonsai" in name.lower() for name in call.names) or call.last & _OWN:
        _dn(call, call.arg(0, "dn", "who", "user"))


_OWN = frozenset({"modify_s", "delete_s", "add_s", "simple_bind_s", "rename_s", "compare_s", "passwd_s", "modify_dn"})
_XPATH_RULE = "python-xpath-injection"
_TREE = "Data from outside becomes part of an XPath expression."
_XML = ("etree", "xml", "parsel", "selector", "html", "elementpath", "dom")


def _xpath(call: Call) -> None:
    named = any(word in name.lower() for word in _XML for name in call.names)
    if call.last & {"find", "findall", "findtext", "iterfind", "select"} and not named:
        return
    position = 1 if any(name.startswith("elementpath.") for name in call.names) else 0
    refuse(call, call.arg(position, "path", "_path", "xpath", "expression", "query"), "xpath", _XPATH_RULE, _TREE)


CHECKS: Checks = table(
    (_ldap, ("search", "search_s", "search_ext", "search_ext_s", "search_st", "paged_search", "search_async")),
    (_entry, ("modify", "delete", "add", "compare", "rename", "get_entry", *_OWN)),
    (
        _xpath,
        (
            "xpath", "XPath", "find", "findall", "findtext", "iterfind", "select", "ETXPath", "iter_select", "Selector",
            "XPathEvaluator()", "XPath2Parser", "xpath_eval",
        ),
    ),
)  # fmt: skip
