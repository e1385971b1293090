"""Ruff's S rules: the fast twin of Bandit, in the milliseconds that an editor or a commit hook has.

Report: https://docs.astral.sh/ruff/settings/#output-format (`json`, a bare list), read in the shapes of 0.5 and later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from hardgate.adapter import Canary, Job, Scanner, decode, refuse_empty
from hardgate.model import Finding, Gap, GapReason, Kind, Location, Report, Severity

_TOOL = "ruff"
_UNREADABLE = "E902"
_HIGH, _MEDIUM, _LOW = Severity.HIGH, Severity.MEDIUM, Severity.LOW

# Ruff states no severity and no CWE. Its S rules carry the numbers of Bandit's B rules: this is what Bandit 1.9.4 says
# for the same number (its plugins/ and blacklists/), the higher one where it has two that Ruff's message cannot tell
# apart. The third word is what to do instead.
_RULES: dict[str, tuple[Severity, int, str]] = {
    "S101": (_LOW, 703, "Raise an exception: python -O removes assert."),
    "S102": (_MEDIUM, 78, "Replace exec by ordinary code."),
    "S103": (_HIGH, 732, "Give the file the least permissions that work, such as 0o600."),
    "S104": (_MEDIUM, 605, "Bind to the one address that has to be reached."),
    "S105": (_LOW, 259, "Revoke the password; read it from the environment or a secret store."),
    "S106": (_LOW, 259, "Revoke the password; read it from the environment or a secret store."),
    "S107": (_LOW, 259, "Revoke the password; leave the default empty and demand a value."),
    "S108": (_MEDIUM, 377, "Use the tempfile module."),
    "S110": (_LOW, 703, "Catch the exceptions that you expect, and log the others."),
    "S112": (_LOW, 703, "Catch the exceptions that you expect, and log the others."),
    "S113": (_MEDIUM, 400, "Give the request a timeout."),
    "S201": (_HIGH, 94, "Start the application without debug=True."),
    "S202": (_HIGH, 22, 'Extract with filter="data", or check each member.'),
    "S301": (_MEDIUM, 502, "Use json, or check a signature before the data is unpickled."),
    "S302": (_MEDIUM, 502, "Use json instead of marshal."),
    "S303": (_MEDIUM, 327, "Use hashlib.sha256."),
    "S304": (_HIGH, 327, "Use AES-GCM or ChaCha20-Poly1305."),
    "S305": (_MEDIUM, 327, "Use an authenticated mode such as GCM."),
    "S306": (_MEDIUM, 377, "Use tempfile.mkstemp or NamedTemporaryFile."),
    "S307": (_MEDIUM, 78, "Use ast.literal_eval for values, ordinary code for everything else."),
    "S308": (_MEDIUM, 79, "Use format_html, which escapes its arguments."),
    "S310": (_MEDIUM, 22, "Check that the scheme is https before the address is opened."),
    "S311": (_LOW, 330, "Use the secrets module where the number protects something."),
    "S312": (_HIGH, 319, "Use SSH instead of Telnet."),
    "S313": (_MEDIUM, 20, "Parse with defusedxml."),
    "S314": (_MEDIUM, 20, "Parse with defusedxml."),
    "S315": (_MEDIUM, 20, "Parse with defusedxml."),
    "S316": (_MEDIUM, 20, "Parse with defusedxml."),
    "S317": (_MEDIUM, 20, "Parse with defusedxml."),
    "S318": (_MEDIUM, 20, "Parse with defusedxml."),
    "S319": (_MEDIUM, 20, "Parse with defusedxml."),
    "S321": (_HIGH, 319, "Use SFTP or HTTPS instead of FTP."),
    "S323": (_MEDIUM, 295, "Use ssl.create_default_context()."),
    "S324": (_HIGH, 327, "Use hashlib.sha256, or usedforsecurity=False where nothing depends on it."),
    "S401": (_HIGH, 319, "Use SSH instead of Telnet."),
    "S402": (_HIGH, 319, "Use SFTP or HTTPS instead of FTP."),
    "S403": (_LOW, 502, "Use json, or check a signature before the data is unpickled."),
    "S404": (_LOW, 78, "Keep outside values out of command lines."),
    "S405": (_LOW, 20, "Parse with defusedxml."),
    "S406": (_LOW, 20, "Parse with defusedxml."),
    "S407": (_LOW, 20, "Parse with defusedxml."),
    "S408": (_LOW, 20, "Parse with defusedxml."),
    "S409": (_LOW, 20, "Parse with defusedxml."),
    "S411": (_HIGH, 20, "Call defusedxml.xmlrpc.monkey_patch()."),
    "S412": (_HIGH, 284, "Serve through WSGI or ASGI instead of CGI."),
    "S413": (_HIGH, 327, "Use the cryptography package."),
    "S415": (_HIGH, 319, "Use an encrypted way to manage the machine."),
    "S501": (_HIGH, 295, "Leave verify on, or give it the bundle of your own authority."),
    "S502": (_HIGH, 327, "Use ssl.PROTOCOL_TLS_CLIENT or PROTOCOL_TLS_SERVER."),
    "S503": (_MEDIUM, 327, "Use ssl.PROTOCOL_TLS_CLIENT or PROTOCOL_TLS_SERVER."),
    "S504": (_LOW, 327, "Name the protocol: ssl.PROTOCOL_TLS_CLIENT or PROTOCOL_TLS_SERVER."),
    "S505": (_HIGH, 326, "Use RSA keys of 2048 bits or more, or a 256-bit elliptic curve."),
    "S506": (_MEDIUM, 20, "Use yaml.safe_load."),
    "S507": (_HIGH, 295, "Load the known host keys and reject the others."),
    "S508": (_MEDIUM, 319, "Use SNMPv3."),
    "S509": (_MEDIUM, 319, "Give SNMPv3 both an authentication and a privacy key."),
    "S601": (_MEDIUM, 78, "Keep outside values out of the command, or quote them with shlex.quote."),
    "S602": (_HIGH, 78, "Give the command as a list and leave shell=True out."),
    "S603": (_LOW, 78, "Check that no outside value reaches the command."),
    "S604": (_MEDIUM, 78, "Give the command as a list and leave shell=True out."),
    "S605": (_HIGH, 78, "Use subprocess.run with a list."),
    "S606": (_LOW, 78, "Check that no outside value reaches the command."),
    "S607": (_LOW, 78, "Name the program by its whole path."),
    "S608": (_MEDIUM, 89, "Keep the statement constant and hand the values over as parameters."),
    "S609": (_HIGH, 155, "Name the files instead of using a wildcard, or put -- before it."),
    "S610": (_MEDIUM, 89, "Use the query methods of the ORM, or hand the values over in params."),
    "S611": (_MEDIUM, 89, "Use the query methods of the ORM, or hand the values over in params."),
    "S612": (_MEDIUM, 94, "Give logging.config.listen a verify function."),
    "S701": (_HIGH, 94, "Create the environment with autoescape=True or select_autoescape()."),
    "S702": (_MEDIUM, 80, "Turn on the h filter by default."),
    "S704": (_MEDIUM, 79, "Let the template escape the value."),
}


class _Place(msgspec.Struct):
    row: int
    column: int


class _Violation(msgspec.Struct):
    code: str | None
    message: str
    filename: str
    location: _Place | None
    end_location: _Place | None
    url: str | None = None
    cell: int | None = None

    @property
    def unread(self) -> bool:
        """A syntax error is E999 at first, has no code from 0.5 on and is "invalid-syntax" since 0.12; E902 is a file
        that could not be read.
        """
        return self.code in {None, "E999", "invalid-syntax", _UNREADABLE}


def _argv(job: Job) -> tuple[str, ...]:
    # Without E902 a file that is no UTF-8 is a warning on standard error and no word in the report. The newest syntax
    # is allowed for, or every `type X = ...` would be an unread file. `exclude` empties the list of left-out folders.
    inline = () if job.honour_inline else ("--ignore-noqa",)
    own = () if job.honour_config else ("--isolated", "--target-version", "py314")
    files = ("--config", "exclude=[]", "--config", 'include=["*.py","*.pyi","*.pyw","*.ipynb"]')
    return (
        *job.command, "check", *own, "--select", f"S,{_UNREADABLE}", "--no-cache", "--no-respect-gitignore",
        "--output-format", "json", "--no-fix", *files, "--extension", "pyw:python", *inline, *job.args, "--", ".",
    )  # fmt: skip


def _parse(raw: bytes) -> Report:
    violations = refuse_empty(decode(raw, list[_Violation], _TOOL), _TOOL)
    found = [one for one in violations if not one.unread]
    return Report(
        findings=tuple(map(_finding, found)),
        gaps=(*_unread(one for one in violations if one.unread), *(gap for one in found for gap in _unrated(one))),
    )


def _unread(violations: Iterable[_Violation]) -> Iterable[Gap]:
    """One gap for each file: after its first syntax error the rest of a file is not judged."""
    first: dict[str, _Violation] = {}
    for one in violations:
        first.setdefault(one.filename, one)
    for path, one in first.items():
        where = f" (line {one.location.row})" if one.location else ""
        yield Gap(
            reason=GapReason.FILE_UNREAD,
            path=path,
            message=f"Ruff did not read {path.rpartition('/')[2]} whole: {one.message}{where}.",
            remedy="Mend the file, or exclude it.",
        )


def _unrated(one: _Violation) -> tuple[Gap, ...]:
    if one.code in _RULES:
        return ()
    message = f"hardgate has no rating for Ruff's rule {one.code}; it counts as high."
    remedy = f"Rate it in hardgate.yaml: severity: {{{one.code}: medium}}"
    return (Gap(reason=GapReason.SEVERITY_UNKNOWN, path=one.filename, message=message, remedy=remedy),)


def _finding(one: _Violation) -> Finding:
    code = one.code or ""
    severity, cwe, fix = _RULES.get(code, (Severity.HIGH, 0, ""))
    start = one.location.row if one.location else None
    end = one.end_location.row if one.end_location else None
    # In a notebook the rows count within a cell, not in the file.
    cell = f" (cell {one.cell}, line {start})" if one.cell is not None else ""
    return Finding(
        scanner=_TOOL,
        rule=code,
        kind=Kind.CODE,
        severity=_told_apart(code, one.message, severity),
        severity_from="adapter",
        message=one.message + cell,
        location=Location(path=one.filename, line=None if cell else start, end_line=None if cell else end),
        cwe=(f"CWE-{cwe}",) if cwe else (),
        fix=fix,
        url=one.url or "",
    )


def _told_apart(code: str, message: str, severity: Severity) -> Severity:
    """Bandit's lower level of S103, S602 and S605, where Ruff's message shows that it is the one."""
    if code in {"S602", "S605"} and "seems safe" in message:
        return Severity.LOW
    mask = re.search(r"0o([0-7]+)", message) if code == "S103" else None
    # Bandit: writable for all is high, executable or writable for the group is medium.
    return Severity.MEDIUM if mask and not int(mask[1], 8) & 0o002 else severity


def _selects(path: str) -> bool:
    return path.endswith((".py", ".pyi", ".pyw", ".ipynb"))


RUFF = Scanner(
    name=_TOOL,
    kinds=frozenset({Kind.CODE}),
    argv=_argv,
    parse=_parse,
    done_exits=frozenset({0, 1}),
    canary=Canary(files={"canary.py": b"eval(input())\n"}, rules=("S307",)),
    selects=_selects,
    configs=lambda path: path.rpartition("/")[2] in {"ruff.toml", ".ruff.toml", "pyproject.toml"},
    planted=True,
    seconds=0.1,
    memory=60_000_000,
)
