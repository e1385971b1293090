"""OMITS: keys that a tool leaves out where there is nothing under them, each for a reason: see contract.broken."""

from __future__ import annotations

from collections.abc import Mapping

OMITS: Mapping[str, frozenset[str]] = {
    # Go's `omitempty`: https://github.com/open-policy-agent/conftest/blob/v0.56.0/output/result.go
    "conftest": frozenset({"warnings", "failures", "exceptions"}),
    # A package without a vulnerability has no list of them, in JSON and in XML.
    "dependency-check": frozenset({"vulnerabilities"}),
    # Go's `omitempty`: https://github.com/google/osv-scanner/blob/v2.0.0/pkg/models/results.go
    "osv-scanner": frozenset({"license_violations"}),
    # Only where a policy set something aside.
    "snyk": frozenset({"filtered"}),
    # Only hardgate's own rules have it. The others have a level, which may be a lower one.
    "semgrep": frozenset({"hardgate_severity"}),
}
