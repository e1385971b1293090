"""Functions that call another function with what they are given: threads, executors, task queues."""

from __future__ import annotations

from hardgate.dataflow.assigning import element
from hardgate.dataflow.frame import Call
from hardgate.dataflow.given import Result, each, plain
from hardgate.dataflow.values import UNKNOWN, Value


def _run(call: Call, function: Value, args: list[Value], kwargs: dict[str, Value], more: Value | None = None) -> Value:
    from hardgate.dataflow.calls import called  # noqa: PLC0415 - calls needs this module first

    last = frozenset(name.rpartition(".")[2] for name in function.names)
    return called(Call(call.frame, call.node, function.names, last, UNKNOWN, args, kwargs, more), function)


def _started(call: Call) -> Value:
    """`asyncio.to_thread(f, *args)`, `executor.submit(f, *args)`, `loop.run_in_executor(None, f, *args)`."""
    first = 1 if "run_in_executor" in call.last else 0
    if len(call.args) <= first:
        return plain(call)
    function = call.args[first]
    if not (function.things or function.names):
        return plain(call)
    return _run(call, function, call.args[first + 1 :], call.kwargs, call.star)


def _thread(call: Call) -> Value:
    """`threading.Thread(target=f, args=(...), kwargs={...})`; also multiprocessing.Process and threading.Timer."""
    timer = "Timer" in call.last
    function = call.arg(1 if timer else None, "target", "function")
    if function is None:
        return plain(call)
    given = call.arg(2 if timer else None, "args") or UNKNOWN
    named = call.arg(None, "kwargs") or UNKNOWN
    args = [one for _, one in given.items or ()]
    kwargs = {key: one for key, one in named.items or () if isinstance(key, str)}
    _run(call, function, args, kwargs, given if given.rest is not None or given.items is None else None)
    return Value(names=frozenset(f"{name}()" for name in call.names))


def _queued(call: Call) -> Value:
    """Celery's `task.delay(*args)` and `task.apply_async(args=[...])`; `pool.apply_async(f, args)`."""
    if call.receiver.things:
        if "delay" in call.last:
            return _run(call, call.receiver, call.args, call.kwargs, call.star)
        given, named = call.arg(0, "args") or UNKNOWN, call.arg(1, "kwargs") or UNKNOWN
        kwargs = {key: one for key, one in named.items or () if isinstance(key, str)}
        return _run(call, call.receiver, [one for _, one in given.items or ()], kwargs)
    if call.last & {"apply_async", "apply"} and call.args and (call.args[0].things or call.args[0].names):
        given = call.arg(1, "args") or UNKNOWN
        return _run(call, call.args[0], [one for _, one in given.items or ()], {})
    return plain(call)


def _over(call: Call) -> Value:
    """`pool.map(f, items)`."""
    if len(call.args) > 1 and (call.args[0].things or call.args[0].names):
        return Value(rest=_run(call, call.args[0], [element(one) for one in call.args[1:]], {}), kind="list")
    return plain(call)


DEFERRED: dict[str, Result] = {
    **each(
        (
            "to_thread", "run_in_executor", "submit", "run_in_threadpool", "add_task", "run_sync", "start_soon",
            "enqueue",
            "call_soon", "spawn_n", "start_new_thread",
        ),
        _started,
    ),
    **each(("Thread", "Process", "Timer"), _thread),
    **each(("delay", "apply_async", "apply"), _queued),
    **each(("map", "imap", "imap_unordered", "map_async"), _over),
}  # fmt: skip
