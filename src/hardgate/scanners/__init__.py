"""SCANNERS: every tool that hardgate runs, one list. Members do not know each other.

A new scanner is its module, its line here, its captured samples in tests/scanners/samples/, and its page in
docs/scanners/; tests fail until all four exist.
"""

from __future__ import annotations

from hardgate.adapter import Scanner
from hardgate.scanners.bandit import BANDIT
from hardgate.scanners.cfn_lint import CFN_LINT
from hardgate.scanners.checkov import CHECKOV
from hardgate.scanners.cyclonedx import CYCLONEDX
from hardgate.scanners.dataflow import DATAFLOW
from hardgate.scanners.detect_secrets import DETECT_SECRETS
from hardgate.scanners.gitleaks import GITLEAKS
from hardgate.scanners.hadolint import HADOLINT
from hardgate.scanners.junit import JUNIT
from hardgate.scanners.newman import NEWMAN
from hardgate.scanners.npm_audit import NPM_AUDIT
from hardgate.scanners.pip_audit import PIP_AUDIT
from hardgate.scanners.ruff import RUFF
from hardgate.scanners.safety import SAFETY
from hardgate.scanners.sarif import SARIF
from hardgate.scanners.sbom_audit import SBOM_AUDIT
from hardgate.scanners.semgrep import SEMGREP
from hardgate.scanners.trivy import TRIVY
from hardgate.scanners.zap import ZAP
from hardgate.scanners.zizmor import ZIZMOR

SCANNERS: tuple[Scanner, ...] = (
    GITLEAKS,
    DETECT_SECRETS,
    BANDIT,
    SEMGREP,
    DATAFLOW,
    RUFF,
    PIP_AUDIT,
    SAFETY,
    NPM_AUDIT,
    CHECKOV,
    CFN_LINT,
    HADOLINT,
    TRIVY,
    CYCLONEDX,
    SBOM_AUDIT,
    ZIZMOR,
)

# What an action can be: these, and a tool that hardgate.yaml describes by its command.
DESCRIBED: tuple[Scanner, ...] = (SARIF, NEWMAN, JUNIT, ZAP)
