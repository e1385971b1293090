"""XML that has the server read files and addresses: external entities, and XInclude.

Only parsers count that were told to put external entities in. The standard library's and those of defusedxml do not,
and current lxml does not either (lxml.de/5.0/changes-5.0.0.html: resolve_entities="internal").
"""

from __future__ import annotations

import ast
import re

from hardgate.dataflow.configured import OPEN, opens
from hardgate.dataflow.families import lexical
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.families.origin import from_outside
from hardgate.dataflow.frame import Call
from hardgate.dataflow.project import Bound, Function, Instance
from hardgate.dataflow.values import Value

_RULE, _INCLUSION = "python-xml-external-entities", "python-xml-inclusion"
_ENTITIES = "The parser puts external entities in: the document can have the server read files and call addresses."
_INCLUDED = "XInclude is carried out on a document from outside: it reads any file that the document names."
_PARSING = (
    "fromstring", "XML", "parse", "parseString", "XMLID", "XMLDTDID", "fromstringlist", "feed", "iterparse",
    "parseid", "Parse", "ParseFile", "XMLParse", "prepareParser", "expandNode",
)  # fmt: skip


def _open(value: Value | None) -> bool:
    return value is not None and (OPEN in value.names or any(_derived(one) for one in value.things))


def _derived(one: object) -> bool:
    """A parser class of the project, derived from lxml's, that turns entities on for its base."""
    if not isinstance(one, Instance) or not one.owner.derived("XMLParser", "XMLPullParser", "ETCompatXMLParser"):
        return False
    return any(
        re.search(r"resolve_entities['\"]?\]?\s*[=:]\s*True", ast.unparse(base.node)) for base in one.owner.family()
    )


def _parsed(call: Call) -> None:
    """`etree.fromstring(document, parser)`, `reader.parse(stream)`, `parser.feed(data)`."""
    parser = next((one for one in [call.receiver, *call.args[1:4], *call.kwargs.values()] if _open(one)), None)
    iterating = call.last & {"iterparse"} and any("lxml" in name for name in call.names) and opens(call)
    if parser is None and not iterating:
        return
    document = call.arg(
        0, "source", "text", "data", "string", "stream", "stream_or_string", "filename_or_stream", "file"
    )
    if not from_outside(call, document, 0, "xml", _RULE, _ENTITIES) and _handed_in(call):
        call.report(_RULE, _ENTITIES)


def _handed_in(call: Call) -> bool:
    """Whether the text is a parameter of a function that nobody is seen to call: of its callers nothing is known."""
    node = call.node
    if (
        not isinstance(node, ast.Call)
        or call.last & {"parse", "iterparse"}
        or not node.args
        or not isinstance(node.args[0], ast.Name)
    ):
        return False
    scope = lexical.scope_of(call.frame, node)
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) or list(
        lexical.definitions(scope, node.args[0].id)
    ):
        return False
    named = {one.arg for one in scope.args.args}
    return node.args[0].id in named and not lexical.callers(call.frame, scope.name)


def _default(call: Call) -> None:
    if any(_open(one) for one in call.args):
        call.report(_RULE, _ENTITIES)


def _expat(call: Call) -> None:
    """`parser.ExternalEntityRefHandler = handler`, when the handler opens what the document names."""
    value = call.args[1]
    for one in value.things:
        inner = next(iter(one.function.things), None) if isinstance(one, Bound) else one
        if isinstance(inner, Function) and re.search(
            r"open\(|ExternalEntityParserCreate|\.get\(|read_(text|bytes)\(", ast.unparse(inner.node)
        ):
            call.report(_RULE, _ENTITIES)


def _parameter_entities(call: Call) -> None:
    """`parser.SetParamEntityParsing(XML_PARAM_ENTITY_PARSING_ALWAYS)`."""
    if any(name.endswith(("_ALWAYS", "_UNLESS_STANDALONE")) for one in call.args for name in one.names) or any(
        one in (1, 2) for value in call.args for one in value.some if one is not True
    ):
        call.report(_RULE, _ENTITIES)


def _included(call: Call) -> None:
    """`tree.xinclude()`, `ElementInclude.include(root)` without a loader of one's own, `etree.XInclude()(root)`."""
    if call.last & {"include"}:
        if not any("ElementInclude" in name for name in call.names) or call.arg(1, "loader") is not None:
            return
        from_outside(call, call.arg(0, "elem"), 0, "xml", _INCLUSION, _INCLUDED)
    elif call.is_a("lxml.etree.XInclude()"):
        from_outside(call, call.arg(0), 0, "xml", _INCLUSION, _INCLUDED)
    elif "xinclude" in call.last:
        from_outside(call, call.receiver, None, "xml", _INCLUSION, _INCLUDED)


def _stylesheet(call: Call) -> None:
    """`etree.XSLT(stylesheet)`: `document()` in it reads files and addresses, unless access is controlled."""
    if any("lxml" in name for name in call.names) and call.arg(None, "access_control") is None:
        from_outside(
            call,
            call.arg(0, "xslt_input"),
            0,
            "xml",
            _RULE,
            "A stylesheet from outside reads files and addresses by its function document().",
        )


CHECKS: Checks = table(
    (_parsed, _PARSING),
    (_default, ("set_default_parser", "setDefaultParser", "set_element_class_lookup")),
    (_expat, ("=ExternalEntityRefHandler",)),
    (_parameter_entities, ("SetParamEntityParsing",)),
    (_included, ("include", "xinclude", "XInclude()", "XInclude")),
    (_stylesheet, ("XSLT",)),
)
