"""Debugging aids that were left in the code: breakpoints, consoles, views that show the settings."""

from __future__ import annotations

import ast
import re

from hardgate.dataflow.families import places
from hardgate.dataflow.families.common import Checks, table
from hardgate.dataflow.frame import Call
from hardgate.dataflow.project import ModuleThing
from hardgate.dataflow.values import Value

RULE = "python-debug-mode"
_CONSOLE = "A debugger that runs code is put around the application. Leave it out of what is deployed."
_STOP = (
    "A breakpoint is left in the code. The request hangs there, and whoever reaches the console runs code: remove it."
)
_SHOWN = "The environment or the settings of the process are sent to whoever asks. Remove what shows them."
# https://docs.python.org/3/library/pdb.html and the debuggers that do the same.
# debugpy and its kin wait for a connection.
_BREAKS = frozenset({
    "breakpoint", "builtins.breakpoint", "pdb.set_trace", "ipdb.set_trace", "pudb.set_trace", "bpdb.set_trace",
    "pdb.Pdb().set_trace", "pdb.post_mortem",
    "ipdb.post_mortem", "pdb.pm", "web_pdb.set_trace", "remote_pdb.set_trace", "rpdb.set_trace", "pydevd.settrace",
    "pydevd_pycharm.settrace", "debugpy.listen", "debugpy.breakpoint", "debugpy.wait_for_client",
    "ptvsd.enable_attach", "ptvsd.wait_for_attach", "ptvsd.break_into_debugger", "celery.contrib.rdb.set_trace",
    "wdb.set_trace", "epdb.set_trace", "epdb.serve",
    "IPython.core.debugger.set_trace", "IPython.core.debugger.Tracer", "remote_pdb.RemotePdb().set_trace",
    "ipdb.sset_trace", "pdbpp.set_trace", "pdb.runcall", "manhole.install", "cgitb.enable",
    "aiohttp_debugtoolbar.setup",
})  # fmt: skip
_SHELLS = frozenset({"code.interact", "code.InteractiveConsole().interact", "IPython.embed"})
_CONSOLES = frozenset({
    "werkzeug.debug.DebuggedApplication", "werkzeug.DebuggedApplication", "weberror.evalexception.EvalException",
    "paste.evalexception.EvalException", "backlash.DebuggedApplication", "tornado_debugger.DebuggedApplication"
})  # fmt: skip
_ANSWERING = frozenset({
    "jsonify", "JsonResponse", "JSONResponse", "HttpResponse", "Response", "make_response", "PlainTextResponse",
    "HTMLResponse", "json_response", "write", "render", "render_template", "render_template_string",
    "TemplateResponse", "ORJSONResponse", "finish"
})  # fmt: skip
_PLAIN = frozenset({"write", "finish"})
_WHOLE = re.compile(
    r"(os\.environ(b)?(\.copy\(\)|\.items\(\))?|(flask\.current_app"
    r"|flask\.Flask\(\))\.config(\.items\(\))?|django\.conf\.settings(\.__dict__"
    r"|\._wrapped(\.__dict__)?)?|globals\(\)|django\.views\.debug\.get_safe_settings\(\))$"
)


def unguarded(call: Call, message: str, rule: str = RULE) -> None:
    """Report, except in tests and where the code is reached only in development."""
    if not places.in_tests(call.frame.module.path) and not places.only_in_development(call.frame, call.node):
        call.report(rule, message)


def _any(call: Call) -> None:
    if not isinstance(call.node, ast.Call):
        return
    if call.names & _CONSOLES:
        unguarded(call, _CONSOLE)
    elif call.names & _BREAKS or (call.frame.entry and call.names & _SHELLS):
        unguarded(call, _STOP)
    elif call.last & _ANSWERING:
        _shows(call, _sent(call))


def _sent(call: Call) -> list[Value]:
    """What the call answers with.

    `write` and `finish` are names of much else: the method of a response takes what it sends first (Tornado's
    `chunk`, Django's `content`), and a function of one's own modules is looked into where it is written.
    """
    if not call.last & _PLAIN or call.last & (_ANSWERING - _PLAIN):
        return [*call.args, *call.kwargs.values()]
    if any(isinstance(one, ModuleThing) for one in call.receiver.things):
        return []
    return [one for one in (call.arg(0, "chunk", "content", "data"),) if one is not None]


def _shows(call: Call, values: list[Value]) -> None:
    for comprehension in (one for one in ast.walk(call.node) if isinstance(one, ast.comprehension)):
        looped = comprehension.iter
        names = call.frame.evaluate(looped.func).names if isinstance(looped, ast.Call) else frozenset()
        if any(_WHOLE.match(f"{name}()") for name in names):
            unguarded(call, _SHOWN)
            return
    for value in values:
        if any(_WHOLE.match(name) for one in _inside(value) for name in one.names):
            unguarded(call, _SHOWN)
            return


def _inside(value: Value) -> list[Value]:
    return [value, *(one for _, one in value.items or ()), *([value.rest] if value.rest is not None else [])]


def _answered(call: Call) -> None:
    """What a view gives back as it is: `return dict(os.environ)`."""
    _shows(call, [call.args[0]])


CHECKS: Checks = table(
    (_any, ("",)),
    (_answered, ("return",)),
)
