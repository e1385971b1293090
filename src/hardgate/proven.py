"""What the source says of a finding, in the same words for every report: confirmed or not, imported or not."""

from __future__ import annotations

from hardgate.model import Finding
from hardgate.proofs import Imported
from hardgate.wording import flow

_USED = {Imported.YES: "imported", Imported.NO: "not imported", Imported.UNKNOWN: "import unknown"}


def proved(finding: Finding) -> str:
    """`confirmed: …` or `not confirmed: …`, with what is known of the code behind an endpoint; "" for neither."""
    proof = finding.proof
    return flow(f"{'confirmed' if proof.confirmed else 'not confirmed'}: {proof.because}") if proof else ""


def used(finding: Finding) -> str:
    """`imported: …`, `not imported: …` or `import unknown: …` of a vulnerable package; "" where nobody asked."""
    return flow(f"{_USED[finding.use.imported]}: {finding.use.because}") if finding.use else ""


def sourced(finding: Finding) -> tuple[str, ...]:
    """What the source says of a finding, as sentences; () for nothing."""
    return tuple(filter(None, (proved(finding), used(finding))))
