"""The rules of GitLab's report schemas for the fields that we write, copied by hand.

GitLab publishes no package with the schemas. Source: `lib/gitlab/ci/parsers/security/validators/schemas/15.2.1/` of
https://github.com/gitlabhq/gitlabhq, the files sast-, dependency-scanning- and secret-detection-report-format.json
(MIT). A field that is not listed here is refused, although GitLab would let some pass: we write no such field.
"""

from __future__ import annotations

from typing import Any

_Schema = dict[str, Any]

_TEXT: _Schema = {"type": "string", "minLength": 1}
_URL: _Schema = {"type": "string", "pattern": "^(https?|ftp)://.+"}
_TIME: _Schema = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}
_V2 = (
    r"AV:[NAL]|AC:[LMH]|Au:[MSN]|[CIA]:[NPC]|E:(U|POC|F|H|ND)|RL:(OF|TF|W|U|ND)|RC:(UC|UR|C|ND)"
    r"|CDP:(N|L|LM|MH|H|ND)|TD:(N|L|M|H|ND)|[CIA]R:(L|M|H|ND)"
)
_V3 = (
    r"AV:[NALP]|AC:[LH]|PR:[NLH]|UI:[NR]|S:[UC]|[CIA]:[NLH]|E:[XUPFH]|RL:[XOTWU]|RC:[XURC]|[CIA]R:[XLMH]"
    r"|MAV:[XNALP]|MAC:[XLH]|MPR:[XNLH]|MUI:[XNR]|MS:[XUC]|M[CIA]:[XNLH]"
)


def _object(required: list[str], properties: _Schema) -> _Schema:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _list(items: _Schema, **limits: int) -> _Schema:
    return {"type": "array", "items": items, **limits}


_TOOL = _object(
    ["id", "name", "version", "vendor"],
    {"id": _TEXT, "name": _TEXT, "version": _TEXT, "vendor": _object(["name"], {"name": _TEXT})},
)
_MESSAGE = _object(["level", "value"], {"level": {"enum": ["info", "warn", "fatal"]}, "value": _TEXT})
_IDENTIFIER = _object(["type", "name", "value"], {"type": _TEXT, "name": _TEXT, "value": _TEXT, "url": _URL})
_DETAIL = _object(["name", "type", "value"], {"name": _TEXT, "type": {"const": "text"}, "value": {"type": "string"}})
_FLAG = _object(
    ["type", "origin", "description"],
    {"type": {"const": "flagged-as-likely-false-positive"}, "origin": _TEXT, "description": _TEXT},
)
_VECTOR = {
    "oneOf": [
        {"type": "string", "minLength": 16, "maxLength": 128, "pattern": f"^(({_V2})/)*({_V2})$"},
        {"type": "string", "minLength": 32, "maxLength": 128, "pattern": f"^CVSS:3[.][01]/(({_V3})/)*({_V3})$"},
    ]
}
_LINES: _Schema = {"start_line": {"type": "number"}, "end_line": {"type": "number"}}
_LOCATIONS = {
    "sast": _object([], {"file": {"type": "string"}, **_LINES}),
    "dependency_scanning": _object(
        ["file", "dependency"],
        {
            "file": _TEXT,
            "dependency": _object(
                ["package", "version"],
                {"package": _object(["name"], {"name": {"type": "string"}}), "version": {"type": "string"}},
            ),
        },
    ),
    "secret_detection": _object(
        ["commit"], {"file": {"type": "string"}, "commit": _object(["sha"], {"sha": _TEXT}), **_LINES}
    ),
}


def schema(kind: str) -> _Schema:
    """The schema of one type of report: sast, dependency_scanning or secret_detection."""
    vulnerability = _object(
        ["id", "identifiers", "location"],
        {
            "id": _TEXT,
            "name": {"type": "string", "maxLength": 255},
            "description": {"type": "string", "maxLength": 1_048_576},
            "severity": {"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]},
            "solution": {"type": "string", "maxLength": 7000},
            "identifiers": _list(_IDENTIFIER, minItems=1),
            "cvss_vectors": _list(_object(["vendor", "vector"], {"vendor": _TEXT, "vector": _VECTOR}), minItems=1),
            "links": _list(_object(["url"], {"name": {"type": "string"}, "url": _URL})),
            "details": {"type": "object", "additionalProperties": _DETAIL},
            "flags": _list(_FLAG),
            "location": _LOCATIONS[kind],
        },
    )
    scan = _object(
        ["analyzer", "end_time", "scanner", "start_time", "status", "type"],
        {
            "analyzer": _TOOL,
            "scanner": _TOOL,
            "start_time": _TIME,
            "end_time": _TIME,
            "status": {"enum": ["success", "failure"]},
            "type": {"const": kind},
            "messages": _list(_MESSAGE),
        },
    )
    return _object(
        ["scan", "version", "vulnerabilities"],
        {
            "version": {"type": "string", "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"},
            "schema": {"type": "string", "pattern": "^https?://.+"},
            "scan": scan,
            "vulnerabilities": _list(vulnerability),
        },
    )
