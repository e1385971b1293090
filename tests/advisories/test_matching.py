"""Versions and ranges: the examples of the OSV page, the orders of each ecosystem, and whole numbers by brute force."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardgate.advisories.matching import Answer, judge
from hardgate.advisories.versions import NotComparableError, normal, parse
from tests.advisories.conftest import record, typed

UNFIXED = [{"introduced": "0"}]
FIXED = [{"introduced": "0"}, {"fixed": "1.0.2"}]
TWO = [{"introduced": "1.0.0"}, {"fixed": "1.0.2"}, {"introduced": "3.0.0"}, {"fixed": "3.2.5"}]
LAST = [{"introduced": "0"}, {"last_affected": "2.1.214"}]
UPTO = [{"introduced": "0"}, {"fixed": "2.1.214"}]
LIMIT = [{"introduced": "1.0.0"}, {"limit": "2.0.0"}]


def said(ecosystem: str, version: str, events: Any = (), **more: Any) -> Answer:
    return judge(typed(record("T-1", ecosystem, "p", events, **more)), ecosystem, version).answer


# https://ossf.github.io/osv-schema/#examples
@pytest.mark.parametrize("ecosystem", ["PyPI", "npm", "Maven", "Go", "Debian:12"])
@pytest.mark.parametrize(
    ("events", "version", "affected"),
    [
        (UNFIXED, "0.0.1", True), (UNFIXED, "99.0.0", True),
        (FIXED, "0.1.0", True), (FIXED, "1.0.1", True), (FIXED, "1.0.2", False), (FIXED, "1.0.10", False),
        (TWO, "0.9.0", False), (TWO, "1.0.0", True), (TWO, "1.0.1", True), (TWO, "1.0.2", False), (TWO, "2.0.0", False),
        (TWO, "3.0.0", True), (TWO, "3.2.4", True), (TWO, "3.2.5", False), (TWO, "4.0.0", False),
        (LAST, "2.1.214", True), (LAST, "2.1.215", False), (UPTO, "2.1.214", False), (UPTO, "2.1.213", True),
        (LIMIT, "0.9.0", False), (LIMIT, "1.5.0", True), (LIMIT, "2.0.0", False),
    ],
)  # fmt: skip
def test_the_examples_of_the_schema(ecosystem: str, events: Any, version: str, affected: bool) -> None:
    assert (said(ecosystem, version, events) is Answer.AFFECTED) == affected
    backwards = list(reversed(events))
    assert (said(ecosystem, version, backwards) is Answer.AFFECTED) == affected, "events are sorted first"


def test_a_limit_of_everything_limits_nothing_and_one_of_several_is_enough() -> None:
    events = [{"introduced": "1.0.0"}, {"limit": "*"}]
    assert said("npm", "9.0.0", events) is Answer.AFFECTED
    events = [{"introduced": "1.0.0"}, {"limit": "2.0.0"}, {"limit": "3.0.0"}]
    assert said("npm", "2.5.0", events) is Answer.AFFECTED


def test_one_of_several_ranges_and_the_list_are_enough() -> None:
    raw = record("T-1", "PyPI", "p", FIXED, versions=["5.0"])
    raw["affected"][0]["ranges"].append({"type": "ECOSYSTEM", "events": TWO})
    raw["affected"][0]["ranges"].append({"type": "GIT", "repo": "https://x", "events": [{"introduced": "abc"}]})
    for version, expected in {"1.0.1": True, "3.0.1": True, "5.0": True, "5.0.0": True, "4.0": False}.items():
        assert (judge(typed(raw), "PyPI", version).answer is Answer.AFFECTED) == expected, version


INTERVALS = st.lists(st.integers(1, 40), unique=True, max_size=12).map(sorted)


@given(
    INTERVALS,
    st.booleans(),
    st.integers(0, 45),
    st.sampled_from(["PyPI", "npm", "Maven", "Go", "Debian:12"]),
    st.randoms(),
)
def test_ranges_are_the_union_of_their_intervals(
    ends: list[int], inclusive: bool, version: int, ecosystem: str, chance: random.Random
) -> None:
    """The events in any order, against plain membership of whole numbers in intervals."""
    pairs = [(ends[i], ends[i + 1] if i + 1 < len(ends) else None) for i in range(0, len(ends), 2)]
    events: list[dict[str, str]] = []
    inside = False
    for start, end in pairs:
        events.append({"introduced": f"{start}.0.0"})
        if end is not None:
            events.append({("last_affected" if inclusive else "fixed"): f"{end}.0.0"})
        inside = inside or (start <= version and (end is None or version < end or (inclusive and version == end)))
    chance.shuffle(events)
    if events:
        assert (said(ecosystem, f"{version}.0.0", events) is Answer.AFFECTED) == inside


ORDERS = {
    # https://semver.org/#spec-item-11
    "npm": ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
            "1.0.0-rc.1", "1.0.0", "1.0.1", "2.0.0"],
    # https://go.dev/ref/mod#pseudo-versions
    "Go": ["v0.0.0-20191109021931-daa7c04131f5", "0.0.0-20200101000000-000000000000", "v1.2.3-pre", "v1.2.3-pre.0.2019",
           "v1.2.3", "v1.2.4-0.20191109021931-daa7c04131f5", "1.2.4"],
    # https://peps.python.org/pep-0440/#summary-of-permitted-suffixes-and-relative-ordering
    "PyPI": ["1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.1.dev1",
             "1!0.5"],
    # https://maven.apache.org/pom.html#version-order-specification
    "Maven": ["1-alpha", "1-beta", "1-milestone", "1-rc", "1-snapshot", "1", "1-sp", "1-foo2", "1-foo10", "1-1", "1.1",
              "1.2", "1.10"],
    # https://www.debian.org/doc/debian-policy/ch-controlfields.html#version
    "Debian:12": ["1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-1", "1.0a", "1.0+dfsg-1", "1.1", "1:0.1"],
}  # fmt: skip


@pytest.mark.parametrize("ecosystem", ORDERS)
def test_versions_order_as_their_ecosystem_says(ecosystem: str) -> None:
    keys = [parse(ecosystem, text) for text in ORDERS[ecosystem]]
    for left in range(len(keys)):
        for right in range(len(keys)):
            assert (keys[left] < keys[right]) == (left < right), (ORDERS[ecosystem][left], ORDERS[ecosystem][right])


@pytest.mark.parametrize(
    ("ecosystem", "one", "other"),
    [
        ("PyPI", "1.0", "1.0.0"), ("PyPI", "1.0-1", "1.0.post1"), ("npm", "1.0.0+a", "1.0.0+b"),
        ("npm", "v1.2.0", "1.2.0"),
        ("Go", "v2.0.0+incompatible", "2.0.0"), ("Go", "1.20", "1.20.0"), ("Maven", "1.0", "1-ga"),
        ("Maven", "5.2.20.RELEASE", "5.2.20"), ("Maven", "1-cr2", "1-rc2"), ("Maven", "1.0.0.Final", "1"),
        ("Debian:12", "1.0", "0:1.0-0"),
    ],
)  # fmt: skip
def test_versions_that_are_the_same(ecosystem: str, one: str, other: str) -> None:
    assert parse(ecosystem, one) == parse(ecosystem, other)
    assert not parse(ecosystem, one) < parse(ecosystem, other)


@pytest.mark.parametrize(
    ("ecosystem", "text"),
    [
        ("PyPI", "2004d"), ("PyPI", "latest"), ("npm", "1.x"), ("npm", "1.2.3.4"), ("npm", "^1.0.0"), ("npm", "latest"),
        ("Go", "go1.20"), ("Go", "master"), ("Maven", ""), ("Maven", "${revision}"), ("Maven", "[1,2)"),
        ("Debian:12", "a"),
        ("Debian:12", "1_0"), ("crates.io", "1.0.0"), ("", "1"), ("PyPI", "1" * 400), ("npm", "\u0661.\u0662.\u0663"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_not_judged(ecosystem: str, text: str) -> None:
    with pytest.raises(NotComparableError):
        parse(ecosystem, text)
    assert said(ecosystem, text, FIXED) is Answer.NOT_JUDGED


def test_a_listed_version_is_affected_even_if_it_cannot_be_compared() -> None:
    assert said("PyPI", "2004d", FIXED, versions=["2004d"]) is Answer.AFFECTED


@pytest.mark.parametrize(
    "events", [[{"introduced": "0"}, {"fixed": "1.0-NA"}], [{"fixed": "2.0"}], [{"introduced": "?"}]]
)
def test_a_range_that_cannot_be_read_is_not_judged(events: Any) -> None:
    judged = judge(typed(record("T-1", "PyPI", "p", events)), "PyPI", "3.0")
    assert judged.answer is Answer.NOT_JUDGED
    assert judged.reason.startswith("T-1: ")
    assert said("PyPI", "3.0", events, versions=["3.0.0"]) is Answer.AFFECTED, "the list still counts"


def test_an_advisory_of_commits_is_not_judged() -> None:
    raw = record("T-1", "PyPI", "p")
    assert judge(typed(raw), "PyPI", "1.0").answer is Answer.NOT_JUDGED
    raw["affected"][0]["ranges"] = [{"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}]}]
    assert judge(typed(raw), "PyPI", "1.0").answer is Answer.NOT_JUDGED


def test_a_build_of_a_release_has_its_holes() -> None:
    """PEP 440: 2.0+cu118 is 2.0, built by somebody else; by its order alone it would be later."""
    assert said("PyPI", "2.0+cu118", [{"introduced": "0"}, {"last_affected": "2.0"}]) is Answer.AFFECTED
    assert said("PyPI", "2.0+cu118", versions=["2.0"]) is Answer.AFFECTED


def test_a_listed_build_is_meant_however_it_is_written() -> None:
    assert said("PyPI", "2.0+x1", versions=["2+x1"]) is Answer.AFFECTED
    assert said("PyPI", "2.0+x2", versions=["2+x1"]) is Answer.NOT_AFFECTED
    assert said("PyPI", "2.0", versions=["2+x1"]) is Answer.NOT_AFFECTED


def test_the_fix_is_that_of_the_own_branch() -> None:
    raw = typed(record("T-1", "npm", "p", TWO))
    assert judge(raw, "npm", "1.0.1").fixed == ("1.0.2",)
    assert judge(raw, "npm", "3.0.0").fixed == ("3.2.5",)
    assert judge(typed(record("T-1", "npm", "p", LAST)), "npm", "1.0.0").fixed == ()


def test_names_have_one_form() -> None:
    assert normal("PyPI", "Zope.Interface__x") == "zope-interface-x"
    assert normal("Go", "github.com/BurntSushi/toml") == "github.com/burntsushi/toml"
    assert normal("Maven", "Org:Name") == "Org:Name"
