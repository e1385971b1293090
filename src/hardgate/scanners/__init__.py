"""SCANNERS: every tool that hardgate runs, one list. Members do not know each other.

A new scanner is its module, its line here, its captured samples in tests/scanners/samples/, and its page in
docs/scanners/; tests fail until all four exist.
"""

from __future__ import annotations

from hardgate.adapter import Scanner
from hardgate.scanners.bandit import BANDIT
from hardgate.scanners.cdk_nag import CDK_NAG
from hardgate.scanners.cfn_lint import CFN_LINT
from hardgate.scanners.checkov import CHECKOV
from hardgate.scanners.conftest import CONFTEST
from hardgate.scanners.cyclonedx import CYCLONEDX
from hardgate.scanners.dataflow import DATAFLOW
from hardgate.scanners.dependency_check import DEPENDENCY_CHECK
from hardgate.scanners.detect_secrets import DETECT_SECRETS
from hardgate.scanners.gitleaks import GITLEAKS
from hardgate.scanners.grype import GRYPE
from hardgate.scanners.hadolint import HADOLINT
from hardgate.scanners.junit import JUNIT
from hardgate.scanners.newman import NEWMAN
from hardgate.scanners.npm_audit import NPM_AUDIT
from hardgate.scanners.opa import OPA
from hardgate.scanners.osv_scanner import OSV_SCANNER
from hardgate.scanners.pip_audit import PIP_AUDIT
from hardgate.scanners.ruff import RUFF
from hardgate.scanners.safety import SAFETY
from hardgate.scanners.sarif import SARIF
from hardgate.scanners.sbom_audit import SBOM_AUDIT
from hardgate.scanners.schemathesis import SCHEMATHESIS
from hardgate.scanners.semgrep import SEMGREP
from hardgate.scanners.snyk import SNYK
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
    SNYK,
    DEPENDENCY_CHECK,
    NPM_AUDIT,
    CHECKOV,
    CFN_LINT,
    OPA,
    CONFTEST,
    HADOLINT,
    TRIVY,
    CYCLONEDX,
    SBOM_AUDIT,
    GRYPE,
    OSV_SCANNER,
    ZIZMOR,
)

# What an action can be: these, and a tool that hardgate.yaml describes by its command.
DESCRIBED: tuple[Scanner, ...] = (SARIF, CDK_NAG, NEWMAN, SCHEMATHESIS, JUNIT, ZAP)
