"""Injection into languages that something else interprets: SQL, the shell, Python."""

from __future__ import annotations

import re

from hardgate.dataflow.families.common import Checks, harmful, refuse, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.values import HOLE, Value, accounted

_SQL_RULE = "python-sql-injection"
_SQL = "Data from outside becomes part of an SQL statement."
# PEP 249, sqlite3, psycopg, asyncpg, databases, SQLAlchemy, pandas, peewee: who takes a statement first.
_STATEMENTS = (
    "execute", "executemany", "executescript", "execute_sql", "fetch", "fetchrow", "fetchval", "fetch_all", "fetch_one",
    "fetch_val", "iterate", "read_sql", "read_sql_query", "exec_driver_sql", "mogrify", "copy_expert", "execute_values",
    "execute_batch", "stream", "scalar_one", "execute_async",
)  # fmt: skip
_STARTS = re.compile(r"(?i)\s*(select|insert|update|delete|replace|with|create|drop|alter|merge|call|exec)\b")
# A piece of SQL that is taken as it is: https://docs.sqlalchemy.org/en/20/core/sqlelement.html#sqlalchemy.sql.expression.text,
# https://docs.djangoproject.com/en/5.2/ref/models/expressions/#raw-sql-expressions, psycopg's sql.SQL.
_PIECES = frozenset({
    "sqlalchemy.text", "sqlalchemy.sql.text", "sqlalchemy.sql.expression.text", "sqlalchemy.literal_column",
    "sqlalchemy.sql.literal_column", "sqlalchemy.sql.expression.literal_column", "django.db.models.expressions.RawSQL",
    "psycopg2.sql.SQL", "psycopg.sql.SQL", "sqlmodel.text", "peewee.SQL", "sqlalchemy.DDL",
})  # fmt: skip


def _sql(call: Call) -> None:
    second = call.last & {"execute_values", "execute_batch"}
    statement = call.arg(1 if second else 0, "sql", "query", "statement", "operation", "stmt", "clause")
    if statement is not None and statement.items is None:
        refuse(call, statement, "sql", _SQL_RULE, _SQL)


def _written(call: Call) -> None:
    """A statement that is put together: whether it is harmless is noted here, where other tools report it."""
    text = call.args[0]
    if _STARTS.match(text.prefix):
        outcome = "harmful" if harmful(text, "sql") else "harmless" if accounted(text) else "open"
        call.frame.analysis.judge(call.frame, call.node, _SQL_RULE, outcome)


def _raw(call: Call) -> None:
    """`Model.objects.raw(...)`, `RawSQL(...)`, `.extra(where=[...])`, `text(...)`."""
    if "text" in call.last or "SQL" in call.last or "literal_column" in call.last or "DDL" in call.last:
        if call.names & _PIECES:
            refuse(call, call.arg(0, "text", "string"), "sql", _SQL_RULE, _SQL)
        return
    places = ("where", "select", "tables", "order_by") if "extra" in call.last else ()
    for value in (call.arg(0, "raw_query", "sql"), *(call.arg(None, one) for one in places)):
        refuse(call, value, "sql", _SQL_RULE, _SQL)


_COMMAND_RULE = "python-command-injection"
_COMMAND = "Data from outside becomes part of a shell command."
# https://docs.python.org/3/library/subprocess.html, os, asyncio; paramiko, fabric, invoke, pexpect, plumbum.
_SHELLS = frozenset({
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell",
    "asyncio.subprocess.create_subprocess_shell", "pexpect.spawn", "pexpect.run", "commands.getoutput", "popen2.popen2",
    "anyio.run_process", "trio.run_process", "pexpect.spawnu", "pexpect.runu",
})  # fmt: skip
_PROCESSES = frozenset(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen"))
_VECTORS = frozenset(
    {"asyncio.create_subprocess_exec", "anyio.open_process", "asyncio.subprocess.create_subprocess_exec"}
)
_REMOTE = frozenset({"exec_command", "sudo", "invoke_shell_command"})
_SHELL_NAMES = frozenset({
    "sh", "bash", "zsh", "dash", "ksh", "cmd", "cmd.exe", "powershell", "pwsh", "ssh", "env", "xargs",
})  # fmt: skip
_SCRIPTS = frozenset({"-c", "-lc", "-ec", "-exc", "/c", "/C", "-Command"})
WORD = "shell-word"  # made one word by shlex.quote, which helps where no quotes stand around it


def _command(call: Call) -> None:
    command = call.arg(0, "cmd", "args", "command")
    fabric = any(name.startswith(("invoke.", "fabric.", "fabric2.")) for name in call.names)
    if call.names & _SHELLS or (call.last & _REMOTE and not call.names & _PROCESSES) or fabric:
        _shell(call, command)
    elif call.names & _PROCESSES and command is not None:
        shell = call.arg(None, "shell")
        if shell is not None and not (shell.closed and not any(shell.some)):
            _shell(call, command)
        else:
            _argv(call, command)


def _shell(call: Call, command: Value | None) -> None:
    if command is None:
        return
    if command.items is not None and command.item(0) is not None:
        command = command.item(0)  # with shell=True only the first word of a list is the command
    quoted = command is not None and _within_quotes(command)
    marks = [one for one in harmful(command, "command") if quoted or WORD not in one.safe]
    outcome = "harmful" if marks else "harmless" if command is not None and accounted(command) else "open"
    call.frame.analysis.judge(call.frame, call.node, _COMMAND_RULE, outcome)
    if marks:
        first = marks[0]
        place = f"({first.source}, {first.path}:{first.line})"
        call.report(_COMMAND_RULE, f"{_COMMAND} The data comes from the request {place}.", first.source)


def _within_quotes(command: Value) -> bool:
    """Whether a part that is not constant stands between quotes, where shlex.quote's own quotes end them."""
    text = command.text or ""
    for hole in re.finditer(HOLE, text):
        before = text[: hole.start()]
        if before.count('"') % 2 or before.count("'") % 2:
            return True
    return False


def _argv(call: Call, command: Value) -> None:
    """A list of words without a shell: the first says which program runs, and `sh -c` runs the next as a command."""
    first = command.item(0)
    if first is None:
        refuse(call, command, "command", _COMMAND_RULE, "Data from outside chooses the program that is started.")
        return
    others = [one for key, one in command.items or () if key != 0]
    others += [command.rest] if command.rest is not None else []
    if any(harmful(one, "command") for one in others):
        # An option that a word can become may do harm, which no character tells.
        call.frame.analysis.judge(call.frame, call.node, _COMMAND_RULE, "open")
    refuse(call, first, "command", _COMMAND_RULE, "Data from outside chooses the program that is started.")
    words = {one.const for _, one in command.items or () if one.known}
    program = first.texts[0].rpartition("/")[2] if first.texts else ""
    if program in _SHELL_NAMES and (program in {"ssh", "env", "xargs"} or words & _SCRIPTS):
        for one in others:
            _shell(call, one)


def _exec(call: Call) -> None:
    if any(name.startswith(("os.exec", "os.spawn", "os.posix_spawn")) for name in call.names):
        for value in call.args:
            refuse(call, value, "command", _COMMAND_RULE, "Data from outside becomes part of a command line.")
    elif call.names & _VECTORS:
        _argv(call, call.args[0] if call.args and call.args[0].items else Value(items=tuple(enumerate(call.args))))


_CODE_RULE = "python-code-injection"
_CODE = "Data from outside is run as Python code."
# Who runs a text as code, and at which argument it stands. docs.python.org, docs.sympy.org (sympify evaluates), pandas.
_RUNNERS: dict[str, tuple[int | None, tuple[str, ...]]] = {
    "eval": (0, ("source",)), "exec": (0, ("source",)), "compile": (0, ("source",)),
    "builtins.eval": (0, ("source",)), "builtins.exec": (0, ("source",)), "code.interact": (None, ("local",)),
    "timeit.timeit": (0, ("stmt", "setup")), "timeit.repeat": (0, ("stmt", "setup")),
    "timeit.Timer": (0, ("stmt", "setup")),
    "cProfile.run": (0, ("statement",)), "profile.run": (0, ("statement",)), "runpy.run_path": (0, ("path_name",)),
    "runpy.run_module": (0, ("mod_name",)), "importlib.import_module": (0, ("name",)), "__import__": (0, ("name",)),
    "sympy.sympify": (0, ("a",)), "sympy.S": (0, ()), "sympy.parsing.sympy_parser.parse_expr": (0, ("s",)),
    "sympy.parse_expr": (0, ("s",)), "pandas.eval": (0, ("expr",)), "numexpr.evaluate": (0, ("ex",)),
    "code.InteractiveInterpreter().runsource": (0, ("source",)), "code.InteractiveInterpreter().runcode": (0, ()),
    "code.InteractiveConsole().push": (0, ("line",)), "trace.Trace().run": (0, ("cmd",)),
    "bdb.Bdb().run": (0, ("cmd",)),
    "pdb.run": (0, ("statement",)), "types.CodeType": (0, ()), "simpleeval.EvalWithCompoundTypes().eval": (None, ()),
}  # fmt: skip


def _code(call: Call) -> None:
    for name in call.names:
        if name in _RUNNERS:
            position, keywords = _RUNNERS[name]
            values = [call.arg(position, *keywords[:1]), *(call.arg(None, one) for one in keywords[1:])]
            for value in values:
                refuse(call, value, "code", _CODE_RULE, _CODE)
            return
    if call.last & {"eval", "query"} and any("DataFrame" in name or "pandas" in name for name in call.names):
        refuse(call, call.arg(0, "expr"), "code", _CODE_RULE, _CODE)


CHECKS: Checks = table(
    (_sql, _STATEMENTS),
    (_written, ("=text",)),
    (_raw, ("raw", "RawSQL", "extra", "text", "SQL", "literal_column", "DDL")),
    (
        _command,
        (
            "system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell", "exec_command", "run", "call",
            "check_call", "check_output", "Popen", "sudo", "spawn", "spawnu", "runu", "run_process", "local",
        ),
    ),
    (
        _exec,
        (
            "execv", "execve", "execvp", "execl", "execlp", "execle", "execvpe", "spawnv", "spawnl", "spawnvp",
            "spawnlp",
            "spawnve", "spawnle", "posix_spawn", "posix_spawnp", "create_subprocess_exec", "open_process",
        ),
    ),
    (_code, {*(name.rpartition(".")[2] for name in _RUNNERS), "query"}),
)  # fmt: skip
