"""What Newman did, as JUnit XML and as a page: every test with its result, and nothing of any answer.

Newman's own reporters write answers into both, with the tokens in them; these are made of its export instead.
JUnit: https://github.com/testmoapp/junitxml, the elements that CI systems read.
"""

from __future__ import annotations

import html
from collections.abc import Iterator

from hardgate.newman_report import Assertion, Execution, Place, endpoint_of, name_of, placed, source, whole
from hardgate.wording import plain

_Row = tuple[Execution, str, Assertion | None, str]  # a request, its folders and name, one of its tests, its name
_STYLE = (
    "body{font-family:sans-serif} td,th{padding:.2em .8em;text-align:left} "
    ".failed{background:#fdd} .skipped{color:#777}"
)


def junit(raw: bytes, name: str) -> bytes:
    """A suite for each request, a case for each of its tests. Raises ReportError for what is no whole report."""
    suites: dict[str, list[str]] = {}
    total = failed = 0
    for one, suite, test, title in _rows(raw):
        cases = suites.setdefault(suite, [])
        if test is None:
            continue
        total += 1
        failed += test.error is not None
        inner = {"failed": '<failure message="the test failed"/>', "skipped": "<skipped/>"}.get(_result(test), "")
        cases.append(f"    <testcase name={_quoted(title)} classname={_quoted(endpoint_of(one))}>{inner}</testcase>\n")
    body = "".join(f"  <testsuite name={_quoted(k)}>\n{''.join(some)}  </testsuite>\n" for k, some in suites.items())
    head = f'<testsuites name={_quoted(name)} tests="{total}" failures="{failed}">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{body}</testsuites>\n'.encode()


def page(raw: bytes, name: str) -> bytes:
    """A table of all requests and tests, which needs nothing from elsewhere."""
    rows = "".join(
        f'<tr class="{_result(test)}"><td>{_text(endpoint_of(one))}</td><td>{_status(one)}</td>'
        f"<td>{_text(suite)}</td><td>{_text(title)}</td><td>{_result(test)}</td></tr>\n"
        for one, suite, test, title in _rows(raw)
    )
    head = "<tr><th>request</th><th>answered</th><th>of</th><th>test</th><th>result</th></tr>"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_text(name)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>{_text(name)}</h1>\n<table>\n{head}\n{rows}</table></body></html>\n"
    ).encode()


def _rows(raw: bytes) -> Iterator[_Row]:
    report = whole(raw)
    places = dict(placed(report.collection.item, Place(scripts=source(report.collection.event))))
    for one in report.run.executions:
        place = places.get(one.item.id, Place())
        suite = "/".join((*place.folders, one.item.name))
        for test in one.assertions:
            yield one, suite, test, name_of(one, test, {one.item.id: place}).removeprefix(f"{suite}/")
        if not one.assertions:
            yield one, suite, None, ""


def _result(test: Assertion | None) -> str:
    if test is None:
        return "no test"
    return "skipped" if test.skipped else "failed" if test.error is not None else "passed"


def _status(one: Execution) -> str:
    return str(one.response.code) if one.response else "nothing"


def _text(text: str) -> str:
    return html.escape(plain(text))


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'
