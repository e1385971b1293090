"""What the scanners share that judge files by a repository's own Rego policies: their keys, files, words and canary."""

from __future__ import annotations

import fnmatch
from typing import Annotated

import msgspec

from hardgate.adapter import Canary
from hardgate.model import Severity

PROOF = "hardgate_canary"  # the package of the canary's policy
PLANTED = "hardgate-canary-"
MAIN = "main"  # conftest's own default
_DATA = (".json", ".yaml", ".yml")

# What a policy may write under `severity`: the words of Security Hub, Trivy and Regal, and SARIF's levels.
SEVERITIES = {
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "error": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "warning": Severity.MEDIUM,
    "low": Severity.LOW,
    "note": Severity.LOW,
    "info": Severity.INFO,
    "informational": Severity.INFO,
}

_Inside = Annotated[str, msgspec.Meta(pattern=r"^(?!/)(?!(.*/)?\.\.(/|$)).+$(?!\n)")]
_Word = Annotated[str, msgspec.Meta(min_length=1)]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`policy`: folders with .rego files, or single ones; `inputs`: globs of the files to judge.

    `namespaces`: the packages whose rules count, none named: `main`, and others shall have no rules;
    `all_namespaces`: every package that has such rules instead; `data`: folders or files of JSON and YAML that the
    policies see as `data`.
    """

    policy: Annotated[tuple[_Inside, ...], msgspec.Meta(min_length=1)] = ("policy",)
    inputs: Annotated[tuple[_Word, ...], msgspec.Meta(min_length=1)] = ("tfplan.json", "*.tfplan.json")
    namespaces: tuple[_Word, ...] = ()
    all_namespaces: bool = False
    data: tuple[_Inside, ...] = ()


# In a syntax that OPA has read since 0.34 and still reads.
CANARY = Canary(
    files={
        "canary.rego": b"package hardgate_canary\n\nimport future.keywords\n\ndeny contains message if {\n"
        b'\tinput.hardgate_canary == "planted"\n\tmessage := "the canary was found"\n}\n',
        "canary.json": b'{"hardgate_canary": "planted"}\n',
    },
    rules=(f"{PROOF}.deny",),
)


def configs(options: Options, path: str) -> bool:
    """The policies and their data: as the base has them, so that a change does not judge itself by its own."""
    policy = path.endswith(".rego") and _within(path, options.policy)
    return policy or (path.endswith(_DATA) and _within(path, options.data))


def selects(options: Options, path: str) -> bool:
    """The inputs, and the planted canary."""
    name = path.rpartition("/")[2]
    if path.startswith(PLANTED) and name in CANARY.files:
        return True
    wanted = any(fnmatch.fnmatchcase(path, glob) or fnmatch.fnmatchcase(name, glob) for glob in options.inputs)
    return wanted and not path.endswith(".rego") and not configs(options, path)


def planted(files: tuple[str, ...]) -> tuple[str, str]:
    """The policy and the input of the canary among the files of a job, "" where there is none.

    The engine plants them last; a folder of the repository's own with such a name is none.
    """
    policy = next((path for path in reversed(files) if path.endswith(".rego")), "")
    return policy, policy.removesuffix(".rego") + ".json" if policy else ""


def _within(path: str, places: tuple[str, ...]) -> bool:
    clean = [place.removeprefix("./").rstrip("/") for place in places]
    return any(place in {".", ""} or path == place or path.startswith(f"{place}/") for place in clean)
