"""The closed sets of words: severities, states, reasons. One table each; everybody reads them through model.py."""

from __future__ import annotations

import enum


class _Word(enum.StrEnum):
    """A word of a closed set. It has the hash of its text, which it is equal to; that of enum is a call of Python."""

    __hash__ = str.__hash__


class Severity(_Word):
    """How bad a finding is: one table for every tool, so the word shown is the word that gates."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """4 for critical down to 0 for info."""
        return _RANKS[self]


_RANKS = {severity: 4 - place for place, severity in enumerate(Severity)}


class Kind(_Word):
    """What sort of problem a finding is; the policy sets a threshold for each."""

    SECRET = "secret"  # noqa: S105 (a word, not a password)
    DEPENDENCY = "dependency"
    CODE = "code"
    MISCONFIGURATION = "misconfiguration"
    LICENCE = "licence"
    DYNAMIC = "dynamic"  # seen while the application, or a test of it, ran


class GapReason(_Word):
    """Why something was not looked at."""

    TOOL_MISSING = "tool-missing"
    TOOL_FAILED = "tool-failed"
    TIMEOUT = "timeout"
    OUTPUT_LIMIT = "output-limit"
    REPORT_UNREADABLE = "report-unreadable"
    FILE_UNREAD = "file-unread"
    RULES_EMPTY = "rules-empty"
    CANARY_MISSED = "canary-missed"
    DATA_UNAVAILABLE = "data-unavailable"
    DATA_STALE = "data-stale"
    SEVERITY_UNKNOWN = "severity-unknown"
    INPUT_MISSING = "input-missing"
    NOT_RUN = "not-run"
    NOT_COVERED = "not-covered"
    NOTHING_IN_SCOPE = "nothing-in-scope"
    RECEIPT_REFUSED = "receipt-refused"
    EXCEPTION_REFUSED = "exception-refused"


class ActionState(_Word):
    """How an action ended. NOTHING_TO_DO: the repository has no file of its kind."""

    DONE = "done"
    GAP = "gap"
    NOTHING_TO_DO = "nothing-to-do"


class RunState(_Word):
    """How far a run came. A run that was killed reads as RUNNING until the store finds its process gone."""

    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class Outcome(_Word):
    """The three answers of the gate."""

    PASS = "PASS"  # noqa: S105 (a verdict, not a password)
    FAIL = "FAIL"
    INCOMPLETE = "INCOMPLETE"


class ExitCode(enum.IntEnum):
    """The one table of exit codes; docs/reference/exit-codes.md shows it."""

    PASS = 0
    FAIL = 1
    USAGE = 2
    INCOMPLETE = 3
    INTERRUPTED = 130


class State(_Word):
    """What the gate made of a finding."""

    BLOCKING = "blocking"
    WAIVED = "waived"
    INFORMING = "informing"
