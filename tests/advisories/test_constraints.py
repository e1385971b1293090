"""The texts for Trivy mean what OSV's evaluation means: on a model of its comparer for Python, for every release."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.version import Version

from hardgate.advisories.constraints import ALL, texts
from hardgate.advisories.matching import Answer, judge
from hardgate.advisories.records import Affected, Event, Package, Range, Record

_SPECIFIER = re.compile(r"(==|!=|<=|>=)([^,]+)")


def trivy_matches(version: str, constraints: Sequence[str]) -> bool:
    """aquasecurity/go-pep440-version as Trivy 0.74 calls it (specifier.go): alternatives of specifiers joined by
    commas; `<=` and `>=` compare the public part, `==` and `!=` too where the specifier has no local one.
    """
    return any(all(_holds(version, *one) for one in _SPECIFIER.findall(text)) for text in constraints)


def _holds(version: str, operator: str, bound: str) -> bool:
    mine, other = Version(version), Version(bound)
    public = Version(mine.public)
    match operator:
        case "<=":
            return public <= other
        case ">=":
            return public >= other
        case "==":
            return (mine if other.local else public) == other
        case _:
            return (mine if other.local else public) != other


versions = st.builds(
    lambda epoch, release, pre, post, dev: epoch + release + pre + post + dev,
    st.sampled_from(["", "", "", "1!"]),
    st.sampled_from(["0", "1", "1.0", "1.1", "2", "2.0", "2.0.0", "2.0.1", "10"]),
    st.sampled_from(["", "", "a1", "b2", "rc1"]),
    st.sampled_from(["", "", ".post1"]),
    st.sampled_from(["", "", ".dev1"]),
)
bounds = st.one_of(versions, versions.map(lambda version: version + "+x1"))
events = st.one_of(
    bounds.map(lambda version: Event(introduced=version)),
    bounds.map(lambda version: Event(fixed=version)),
    bounds.map(lambda version: Event(last_affected=version)),
    bounds.map(lambda version: Event(limit=version)),
    st.just(Event(introduced="0")),
    st.just(Event(limit="*")),
)
ranges = st.lists(events, min_size=1, max_size=5).map(lambda some: Range("ECOSYSTEM", tuple(some)))
affected = st.builds(
    lambda some, listed: Affected(Package("PyPI", "x"), tuple(some) or None, tuple(listed) or None),
    st.lists(ranges, max_size=3),
    st.lists(bounds, max_size=8),
)


def of(*some: Event, versions: tuple[str, ...] = ()) -> Affected:
    return Affected(Package("PyPI", "x"), (Range("ECOSYSTEM", some),), versions or None)


def said(entry: Affected, version: str) -> Answer:
    return judge(Record(id="X-1", modified="", affected=(entry,)), "PyPI", version).answer


@settings(max_examples=700, deadline=None)
@given(affected, st.one_of(versions, bounds))
@example(of(Event(introduced="0"), Event(fixed="2.0")), "2.0rc1")
@example(of(Event(introduced="3"), versions=("2.0+x1",)), "2.0+x1")
@example(of(Event(introduced="3"), versions=("2.0+x1",)), "2.0")
@example(of(Event(introduced="0"), Event(fixed="2.0")), "2.0+x1")
@example(of(Event(introduced="2.0"), Event(last_affected="2.0")), "2.0.post1")
@example(of(Event(introduced="0"), Event(fixed="2.0.post1")), "2.0a1")
@example(of(Event(introduced="0"), Event(last_affected="1.0"), Event(fixed="1.0")), "1.0")
@example(of(Event(introduced="0"), Event(limit="1.0"), Event(limit="2.0")), "1.1")
@example(of(Event(introduced="1.0"), Event(introduced="2.0"), Event(fixed="2.0.1")), "1.1")
def test_they_mean_what_osv_means(entry: Affected, version: str) -> None:
    found, reasons = texts(entry, "PyPI")
    answer = said(entry, version)
    matched = trivy_matches(version, found)
    if matched or answer is Answer.AFFECTED:
        assert matched == (answer is Answer.AFFECTED), found
    assert bool(reasons) or answer is not Answer.NOT_JUDGED


@pytest.mark.parametrize(
    ("ecosystem", "some", "expected"),
    [
        ("npm", (Event(introduced="1.2"), Event(fixed="2")), [">=1.2.0,<2.0.0"]),
        ("npm", (Event(introduced="0"), Event(last_affected="v1.0.0-rc.1+7")), ["<=1.0.0-rc.1"]),
        ("Go", (Event(introduced="0"), Event(fixed="0.0.0-2020-abc")), ["<0.0.0-2020-abc"]),
        ("Maven", (Event(introduced="1"), Event(fixed="2.Final"), Event(introduced="3")), [">=1,<2.Final", ">=3"]),
        ("npm", (Event(introduced="0"),), [ALL]),
        ("PyPI", (Event(introduced="0"), Event(fixed="1.0-beta2")), ["<=1.0b2,!=1.0b2"]),
    ],
)
def test_the_words_of_each_ecosystem(ecosystem: str, some: tuple[Event, ...], expected: list[str]) -> None:
    entry = Affected(Package(ecosystem, "x"), (Range("ECOSYSTEM", some),))
    assert texts(entry, ecosystem) == (expected, [])


@pytest.mark.parametrize(
    ("ecosystem", "entry"),
    [
        ("npm", Affected(ranges=(Range("SEMVER", (Event(introduced="0"), Event(fixed="1.0.0-x.1"))),))),
        ("Maven", Affected(ranges=(Range("ECOSYSTEM", (Event(introduced="0"), Event(fixed="1.a_b"))),))),
        ("PyPI", Affected(ranges=(Range("ECOSYSTEM", (Event(introduced="0"), Event(fixed="1." + "9" * 20))),))),
        ("PyPI", Affected(ranges=(Range("ECOSYSTEM", (Event(fixed="1.0"),)),))),
        ("PyPI", Affected(ranges=(Range("GIT", (Event(introduced="0"),)),))),
        ("Go", Affected()),
    ],
)
def test_what_cannot_be_said_has_a_reason(ecosystem: str, entry: Affected) -> None:
    found, reasons = texts(entry, ecosystem)
    assert found == []
    assert len(reasons) == 1


def test_a_long_list_keeps_only_what_no_range_has() -> None:
    listed = tuple(f"1.{number}" for number in range(20))
    found, _ = texts(of(Event(introduced="0"), Event(fixed="1.15"), versions=listed), "PyPI")
    assert found == ["<=1.15,!=1.15", "==1.15", "==1.16", "==1.17", "==1.18", "==1.19"]
