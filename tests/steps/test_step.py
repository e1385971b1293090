"""What holds for every step: tried with steps of the test's own, in real runs with a real store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardgate import receipts
from hardgate.errors import StoreError, ToolError
from hardgate.model import ActionState, GapReason, Output, Receipt, Selection
from hardgate.override import IMAGES
from hardgate.step import Context, Result
from hardgate.store import Store
from tests.cli.conftest import commit, git
from tests.lab.doing import Doing, run
from tests.lab.waiting import eventually, running

IMAGE = "application/vnd.oci.image.manifest.v1+json"
DIGEST = "a" * 64


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.db") as opened:
        yield opened


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "go").write_text("#!/bin/sh\nprintf 'went %s' \"$1\"\n")
    (root / "bin" / "go").chmod(0o755)
    (root / "left out").write_text("by exclude")
    (root / "link").symlink_to("left out")
    (root / ".gitignore").write_text(".env\n")
    (root / ".env").write_text("PASSWORD=1")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    return root


def one(tree: Path, store: Store, do: Doing, **settings: object) -> Receipt:
    [receipt] = run(tree, store, [{"doing": do}], **settings).receipts
    return receipt


def test_a_step_has_the_whole_tree_and_may_write_to_it(tree: Path, store: Store) -> None:
    seen: list[str] = []

    def do(context: Context) -> Result:
        copy = context.checkout()
        seen.extend(sorted(str(path.relative_to(copy)) for path in copy.rglob("*")))
        assert (copy / "link").read_text() == "by exclude"
        assert context.checkout() == copy
        done = context.start([str(copy / "bin" / "go"), "well"], cwd=copy)
        (copy / "bin" / "go").write_text("spoilt")
        context.log(done)
        return Result(notes=(done.stdout.decode(),))

    receipt = one(tree, store, do)
    assert seen == [".gitignore", "bin", "bin/go", "left out", "link"]
    assert (receipt.state, receipt.gaps, receipt.notes) == (ActionState.DONE, (), ("went well",))
    assert (receipt.argv, receipt.exit_codes) == ((("$TREE/bin/go", "well"),), (0,))
    assert "went" in (tree / "bin" / "go").read_text()
    [log] = receipt.outputs
    assert (log.name, log.media_type, store.blob(log.sha256)) == ("doing-log.txt", "text/plain", b"went well")
    assert store.run(store.runs()[0].id).receipts == (receipt,)


def test_the_seconds_of_a_step_are_all_of_it(tree: Path, store: Store) -> None:
    """Also those in which it starts no command, such as waiting for an environment, and those of cleaning up."""

    def do(context: Context) -> Result:
        context.stack.callback(threading.Event().wait, 0.2)
        threading.Event().wait(0.2)
        return Result()

    assert one(tree, store, do).seconds >= 0.4


def test_a_file_that_changes_under_the_run_is_a_gap(tree: Path, store: Store) -> None:
    def do(context: Context) -> Result:
        (tree / "bin" / "go").write_text("#!/bin/sh\nexit 1\n")
        context.checkout()
        return Result()

    receipt = one(tree, store, do)
    assert [(gap.reason, gap.path, gap.action) for gap in receipt.gaps] == [(GapReason.FILE_UNREAD, "bin/go", "doing")]
    assert "different content" in receipt.gaps[0].message


def image(context: Context) -> Result:
    output = Output(name="image", media_type=IMAGE, sha256=DIGEST, size=7, reference=f"planets@sha256:{DIGEST}")
    return Result(outputs=(output,), notes=(f"made for {context.commit}",))


def use(context: Context) -> Result:
    made = context.made(IMAGES, "an image")
    return Result(notes=(f"used {made.reference}",))


def test_a_step_gets_what_the_stages_before_made_and_nothing_of_its_own(tree: Path, store: Store) -> None:
    folder = tree.parent / "receipts"
    stages: list[dict[str, Doing]] = [{"build": image, "early": use}, {"late": use}]
    whole = run(tree, store, stages, receipts=folder)
    build, early, late = whole.receipts
    assert build.notes == (f"made for {whole.commit}",)
    assert late.notes == (f"used planets@sha256:{DIGEST}",)
    assert [(gap.reason, gap.action) for gap in early.gaps] == [(GapReason.INPUT_MISSING, "early")]
    # An image is no blob of the store, and its digest is on the receipt.
    good, refused = receipts.read(
        folder, commit=whole.commit, pipeline_digest=whole.pipeline_digest, expected=whole.expected
    )
    assert refused == ()
    assert next(receipt for receipt in good if receipt.action == "build").outputs == build.outputs
    assert sorted(path.name for path in folder.iterdir()) == [
        "build.receipt.json", "early.receipt.json", "late.receipt.json",
    ]  # fmt: skip
    # What an earlier run of the same commit made does not count.
    part = run(tree, store, stages, selection=Selection(actions=("late",)))
    assert [gap.reason for receipt in part.receipts for gap in receipt.gaps] == [GapReason.INPUT_MISSING]


def test_of_two_images_the_one_that_nobody_names_is_not_passed_by(tree: Path, store: Store) -> None:
    """The newest alone would be scanned and pushed, and the other one reported by nobody."""

    def another(context: Context) -> Result:
        return Result(outputs=(Output(name="b", media_type=IMAGE, sha256="b" * 64, size=7, reference="b@sha256:b"),))

    def named(context: Context) -> Result:
        return Result(notes=(context.made(IMAGES, "an image", of="build--web").reference,))

    built: dict[str, Doing] = {"build": another, "build--web": image}
    _, _, vague, clear, pushed = run(tree, store, [built, {"late": use, "named": named, "push": use}]).receipts
    for receipt in (vague, pushed):
        assert [(gap.reason, gap.message.partition(", ")[2]) for gap in receipt.gaps] == [
            (GapReason.INPUT_MISSING, "and build and build--web made one each")
        ]
    assert (clear.gaps, clear.notes) == ((), (f"planets@sha256:{DIGEST}",))
    # One image that was built and then pushed, twice to the same end, is one.
    again = run(tree, store, [{"build": another}, {"push": image, "push--mirror": image}, {"late": use}]).receipts[-1]
    assert (again.gaps, again.notes) == ((), (f"used planets@sha256:{DIGEST}",))


def test_what_a_step_ran_into_is_on_its_receipt_and_undone(tree: Path, store: Store) -> None:
    def fails(context: Context) -> Result:
        context.undo(["sh", "-c", "exit 3"])
        context.undo(["sh", "-c", 'echo undone > "$0"', str(tree.parent / "undone")])
        context.hide("hunter2")
        context.log(context.start(["sh", "-c", "echo hunter2"]))
        context.demand(["sh", "-c", "echo the password is hunter2 >&2; exit 4"])
        raise AssertionError

    receipt = one(tree, store, fails)
    assert receipt.state is ActionState.GAP
    assert [gap.message for gap in receipt.gaps] == [
        "sh ended with exit code 4: the password is ***", "doing was not cleaned up: sh ended with exit code 3",
    ]  # fmt: skip
    assert (tree.parent / "undone").read_text() == "undone\n"
    assert receipt.exit_codes == (0, 4, 0, 3)
    assert "hunter2" not in repr(receipt)
    assert store.blob(receipt.outputs[0].sha256) == b"***\n"


def _no_engine(context: Context) -> None:
    raise context.missing(GapReason.NOT_COVERED, "nothing to do it with: no engine", "Install one.")


def _raising(error: Exception) -> Doing:
    def do(_context: Context) -> Result:
        raise error

    return do


@pytest.mark.parametrize(
    ("do", "reason", "message"),
    [
        (lambda context: context.demand(["/nowhere/tool"]), GapReason.TOOL_FAILED, "could not be started"),
        (lambda context: context.start(["sleep", "600"], timeout=0.3), GapReason.TIMEOUT, "sleep was ended after 0.3"),
        (lambda context: context.tool("path:no-such-tool"), GapReason.TOOL_MISSING, "is not on PATH"),
        (lambda context: context.start(["yes"]), GapReason.OUTPUT_LIMIT, "more than hardgate reads"),
        (_no_engine, GapReason.NOT_COVERED, "no engine"),
        (_raising(ToolError("it broke")), GapReason.TOOL_FAILED, "doing was not done: it broke"),
        (_raising(StoreError("no room")), GapReason.TOOL_FAILED, "doing was not done: no room"),
        (_raising(OSError(28, "No space left on device")), GapReason.TOOL_FAILED, "No space left on device"),
    ],
)
def test_whatever_goes_wrong_is_a_gap(
    do: Callable[[Context], object], reason: GapReason, message: str, tree: Path, store: Store
) -> None:
    def attempt(context: Context) -> Result:
        context.output_limit = 1_000_000
        do(context)
        return Result()

    receipt = one(tree, store, attempt)
    assert (receipt.state, [gap.reason for gap in receipt.gaps]) == (ActionState.GAP, [reason])
    assert message in receipt.gaps[0].message


def test_two_documents_of_one_name_both_stay(tree: Path, store: Store) -> None:
    def do(context: Context) -> Result:
        return Result(outputs=tuple(context.keep("log.txt", "text/plain", text) for text in (b"1", b"2")))

    receipt = one(tree, store, do)
    assert [(output.name, store.blob(output.sha256)) for output in receipt.outputs] == [
        ("doing-log.txt", b"1"), ("doing-2-log.txt", b"2"),
    ]  # fmt: skip


def test_an_interrupt_ends_what_runs_undoes_what_must_be_and_can_be_resumed(tree: Path, store: Store) -> None:
    """The second stage waits; ^C comes; resumed, the first stage is not done again, and nothing is left running."""
    mark, counted = tree.parent / "running", tree.parent / "undone"
    tries: list[str] = []

    def first(_context: Context) -> Result:
        tries.append("first")
        return Result()

    def second(context: Context) -> Result:
        tries.append("second")
        if len(tries) > 2:
            return Result()
        context.undo(["sh", "-c", 'sleep 0.5; echo once >> "$0"', str(counted)])
        threading.Thread(target=_interrupt, args=(mark,), daemon=True).start()
        context.start(["sh", "-c", 'echo $$ > "$0"; sleep 611', str(mark)])
        raise AssertionError

    stages: list[dict[str, Doing]] = [{"first": first}, {"second": second}]
    with pytest.raises(KeyboardInterrupt):
        run(tree, store, stages)
    assert counted.read_text() == "once\n"
    assert not Path(f"/proc/{mark.read_text().strip()}").exists()
    [row] = store.runs()
    assert (row.state, [receipt.action for receipt in store.run(row.id).receipts]) == ("interrupted", ["first"])
    whole = run(tree, store, stages, resume=True)
    assert (whole.id, tries) == (row.id, ["first", "second", "second"])
    assert [receipt.state for receipt in whole.receipts] == [ActionState.DONE, ActionState.DONE]


LEAVES = 'import subprocess, sys; subprocess.Popen(["sleep", sys.argv[1]], start_new_session=True)'


def test_what_left_the_group_of_a_step_ends_with_the_step(tree: Path, store: Store) -> None:
    """A server that stays behind would answer the next test."""
    word = f"86468{os.getpid()}"

    def do(context: Context) -> Result:
        context.demand([sys.executable, "-c", LEAVES, word])
        assert eventually(lambda: running(word) != [])
        return Result()

    assert one(tree, store, do).gaps == ()
    assert eventually(lambda: running(word) == [])


def _interrupt(mark: Path) -> None:
    while not mark.exists() or not mark.read_text().strip():
        subprocess.run(["sleep", "0.05"], check=True)
    os.kill(os.getpid(), signal.SIGINT)


def test_resumed_a_step_is_done_again_when_one_before_it_is(tree: Path, store: Store) -> None:
    """What it worked on may be another now."""
    tries: list[str] = []

    def build(context: Context) -> Result:
        tries.append("build")
        made = image(context).outputs
        if len(tries) == 1:
            return Result(outputs=made, gaps=(context.gap(GapReason.TOOL_FAILED, "a leftover"),))
        return Result(outputs=made)

    def tested(context: Context) -> Result:
        tries.append("test")
        context.made(IMAGES, "an image", of="build")
        return Result()

    def last(_context: Context) -> Result:
        tries.append("last")
        if tries.count("last") == 1:
            raise KeyboardInterrupt
        return Result()

    stages: list[dict[str, Doing]] = [{"build": build}, {"test": tested}, {"last": last}]
    with pytest.raises(KeyboardInterrupt):
        run(tree, store, stages)
    whole = run(tree, store, stages, resume=True)
    assert tries == ["build", "test", "last", "build", "test", "last"]
    assert [receipt.state for receipt in whole.receipts] == [ActionState.DONE] * 3
