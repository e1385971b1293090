"""The structure of src/hardgate, held by reading its code: who imports whom, who may do what, how large things are.

The table is that of the architecture page of this project ("Who may import whom"), with one phrase for each name that
the page does not have.
"""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "hardgate"
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path.read_text()
    for path in sorted(SOURCE.rglob("*.py"))
}

# Level 0: what everybody speaks of. Each may import just these.
GROUND: dict[str, set[str]] = {
    "__init__": set(),  # the version
    "terms": set(),  # the closed sets of words, which model hands on
    "permits": set(),  # who did something, and what an override is: values that model hands on
    "allowances": set(),  # exceptions as values, which model hands on
    "services": set(),  # environments for tests as values, which model hands on
    "surroundings": {"services", "yamlfile"},  # what hardgate.yaml says of them
    "model": {"terms", "allowances", "permits", "proofs", "services"},
    "errors": set(),
    "algorithms": set(),  # the ways by which a finding is recognised, by name
    "equivalents": set(),  # rules of several tools that stand for one weakness
    "pins": {"model"},  # requirements files: several adapters and the plan read them
    "templates": set(),  # CloudFormation by names and contents: an adapter, the plan and init ask
    "locks": {"pins"},  # lock files by their names: the plan and an adapter ask
    "proofs": set(),  # what the source says about findings: values that model hands on
    "syntax": set(),  # syntax trees of Python, walked quickly
    "routes": {"proofs", "syntax"},  # which function answers a request, by syntax trees
    "import_names": set(),  # under which names the modules of packages are imported
    "asked": set(),  # which package asks for which, by lock files
    "import_peers": set(),  # which packages may import which
    "import_texts": set(),  # what of a file that is no Python may load a package by its name
    "import_reading": {"import_texts", "syntax"},  # what the files of a tree import
    "imports": {"asked", "import_names", "import_peers", "import_reading", "proofs"},  # whether it imports a package
    "rated": {"model"},  # who rated a finding, and what is known beside
    "purls": set(),  # package URLs made of a name: several adapters need them
    "trivy_report": {"model"},  # the largest of the foreign reports, as values
    "trivy_said": {"adapter", "model"},  # what Trivy says beside its report
    "strict": set(),  # JSON from elsewhere: no key twice
    "mutated": set(),  # reports with one thing wrong in them, for the contract
    "recoded": {"errors"},  # JSON of any encoding as UTF-8
    "sarif_log": {"errors", "recoded", "strict"},  # SARIF of any tool as values, repaired
    "xmlfile": {"errors"},  # XML of any tool as values, safely
    "imagefile": {"errors"},  # the archive of an image, read and made
    "stepkeys": set(),  # the keys of a step: config reads them
    "roles": {"model"},  # what is asked of those that the engine and its steps are handed
    "wording": {"errors", "model"},  # words and escapes that all reports share
    "waiving": {"algorithms", "model", "wording"},  # what one writes down to waive a finding
    "remarks": {"model", "wording"},  # what is said of a run as a whole
    "bulk": {"wording"},  # JSON with very long lists, a few entries in memory at a time
    "sarif_result": {
        "allowances",
        "model",
        "outward",
        "proven",
        "rated",
        "wording",
    },  # a result of our SARIF, made fast
    "proven": {"model", "proofs", "wording"},  # what the source says of a finding, in words that all reports share
    "outward": {"model", "wording"},  # texts, ids and counts that the formats of other systems share
    "yamlfile": {"errors", "wording"},  # our own YAML files as values, with the lines of their keys
    "seals": set(),  # digests over records, with a key where there is one
    "ledger": {"errors", "permits", "wording"},  # records and their chain: the store keeps them, audit follows them
    "override": {"ledger", "model", "permits", "seals"},  # what an override is bound to, and whether it opens a gate
    "exceptions": {
        "algorithms",
        "allowances",
        "errors",
        "model",
        "rated",
        "strict",
        "waiving",
        "wording",
        "yamlfile",
    },  # what waives what, and until when
    "sboms": {"adapter", "pins"},  # how an SBOM is made: two adapters need one
    "policies": {"adapter", "model"},  # what the scanners share that judge by a repository's own Rego
    "contract": {
        "adapter",
        "errors",
        "model",
        "mutated",
        "rated",
    },  # what every adapter keeps, for its author's tests too
    "dependency_check_report": {"adapter", "errors", "xmlfile"},  # a foreign report in two shapes, as values
    "newman_report": {"adapter", "errors"},  # a foreign report as values
    "newman_sent": {"newman_report"},  # what Newman did in name only
    "newman_pages": {"newman_report", "wording"},  # what Newman did, shown without any answer
    "excerpts": set(),  # pieces of requests and answers without what may be a secret
    "styles": {"adapter", "errors", "model"},  # Black and Flake8, as the hooks run them
    "described": {"adapter", "model"},  # scanners whose command hardgate.yaml names
    "adapter": {
        "model",
        "errors",
        "pins",
        "strict",
    },  # the shape of an adapter: a value that scanners make and scan.py runs
}
# Level 1: pure functions over level 0. A family's members do not know each other; its __init__ lists them.
PURE = {"config", "plan", "identity", "gate"}
FAMILIES = {"scanners", "reporters", "exporters"}
# Level 2: the doors to the outside world. Each may import level 0 and just these.
DOORS: dict[str, set[str]] = {
    "tools": set(),
    "store": set(),
    "receipts": set(),  # receipts as files
    "advisories": set(),  # the local advisory database; what is downloaded is handed to it
    "git": {"tools"},  # git, asked about a hostile repository
    "staged": {"git", "repository"},  # what a commit or a push brings, out of git's objects
    "githooks": {"git", "tools"},  # the files by which git calls hardgate
    "past": {"git"},  # what git knows of the past: the base of a change, who wrote a line
    "repository": {"git", "tools"},  # the tree under scan and private copies of it
    "manifests": {"repository"},  # which manifests of a tree name packages that nothing pins
    "saving": {"step", "containers"},  # an image out of the engine, as a file
    "trivy_image": {"step", "tools"},  # Trivy over an image: two steps start it
    "step": {"tools"},  # the shape of a step: a value that steps make and performing.py does
    "containers": {"step", "tools"},  # container engines: how one is asked, and what it says of an image
    "layers": set(),  # the files of a saved image, searched
    "toolbox": {"tools"},
    "environments": {"tools"},  # what is to be tested, up and down again, behind a wall
    "tested": {"environments", "step", "tools"},  # an environment for one step
    "rego": set(),  # a program of its own, which asks OPA's engine about a repository's policies
    "dataflow": set(),  # a program of its own, which the engine starts like any tool
}
# Level 3: the engine, and its parts, each of which knows just those before it.
ENGINE: dict[str, set[str]] = {
    "hooking": {"action", "roles", "scan", "assembling"},  # the checks of a git hook
    "budget": set(),  # how much may run at once
    "staging": set(),  # the private copy of the tree
    "basis": set(),  # what a run is judged by: the exceptions of the tree or of the base
    "sourced": set(),  # what of the source a run reads for its findings: routes, imports
    "action": {"basis", "staging"},  # one action before its tool starts
    "start": {"action"},  # one start of a tool
    "canary": {"action", "roles", "start"},  # whether the tool finds what it must find
    "scan": {"action", "roles", "start", "canary", "basis"},  # one action while its tool runs
    "performing": {"action", "scan"},  # one step, from its context to its receipt
    "assembling": {"basis", "sourced"},  # a run out of receipts from elsewhere
    "engine": {"action", "roles", "scan", "performing", "budget", "basis", "staging", "assembling", "sourced"},
}
ENGINE_MAY = {"plan", "identity", "scanners"}
# Beside the engine: steps, which it is handed, and which do not know it. A member does not know another.
STEPS = {"steps"}
TOP = {"cli"}

IMPURE = {
    "os", "subprocess", "socket", "sqlite3", "sqlalchemy", "alembic", "time", "random", "secrets", "boto3", "threading",
    "tempfile", "shutil", "http", "ssl", "asyncio", "urllib.request",
}  # fmt: skip
# Who alone may import or call these.
RESERVED = {
    "subprocess": {"tools"},
    "pty": {"tools"},
    "multiprocessing": {"tools"},
    "sqlalchemy": {"store"},
    "alembic": {"store"},
    "sqlite3": {"store"},
    "socket": {"tools"},
    "urllib.request": {"tools", "toolbox"},  # the toolbox downloads
    "boto3": {"aws"},
    "importlib.import_module": {"cli.main"},  # commands are imported when they are called
}
# Waits, with an end, for a lock that another process holds and of which the system gives no better notice.
NAPS = {"store.opening", "toolbox.folder"}
STARTERS = {"system", "popen", "fork", "forkpty", "startfile", "posix_spawn", "posix_spawnp"}
STARTER_KINDS = ("exec", "spawn")
BROAD = {"Exception", "BaseException"}
HANDLER = "cli.main"

FILE_LINES, FUNCTION_LINES, ANCESTORS = 400, 50, 2
MEDIAN, NINETIETH = (6, 13), 40


def imports(tree: ast.Module) -> Iterator[str]:
    """Every name that a module imports, at its head, in a function or for its types alone: `hardgate.config.load`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative name reads as one of ours that nobody may import: names are written in full here.
            start = f"hardgate.relative.{node.module}" if node.level else node.module
            yield from (f"{start}.{alias.name}" for alias in node.names)


def owner(name: str) -> str:
    """The module or package of ours that an imported name belongs to: `hardgate.store.schema.runs` is `store`."""
    part = name.split(".")[1] if "." in name else ""
    return part if part == "relative" or known(part) else "__init__"


def known(part: str) -> bool:
    return part in {*GROUND, *PURE, *FAMILIES, *DOORS, *STEPS, *ENGINE, *TOP}


def allowed(module: str) -> set[str]:
    """The modules and packages of ours that `module` may import, beside its own package."""
    part = module.partition(".")[0]
    if part in GROUND:
        return GROUND[part]
    ground = {*GROUND} - {"__init__"}
    if part in PURE | FAMILIES:
        return ground
    if part in DOORS:
        return ground | DOORS[part]
    if part in STEPS:
        return {*GROUND, *DOORS, *ENGINE_MAY}
    if part in ENGINE:
        return {*GROUND, *DOORS, *ENGINE_MAY, *ENGINE[part]}
    return {*GROUND, *PURE, *FAMILIES, *DOORS, *STEPS, *ENGINE}


def wrong_imports(module: str, source: str) -> list[str]:
    """What a module imports and may not."""
    part, _, rest = module.partition(".")
    tree = ast.parse(source)
    wrong = []
    for name in imports(tree):
        if name == "hardgate" or name.startswith("hardgate."):
            target = owner(name)
            within = target == part and (part not in FAMILIES | STEPS or not rest)
            if not within and target not in allowed(module):
                wrong.append(f"{module} imports {name}")
        elif part in {*GROUND, *PURE, *FAMILIES} and any(f"{name}.".startswith(f"{bad}.") for bad in IMPURE):
            wrong.append(f"{module} is pure and imports {name}")
        for reserved, owners in RESERVED.items():
            if f"{name}.".startswith(f"{reserved}.") and not {module, part} & owners:
                wrong.append(f"{module} imports {name}, which only {', '.join(owners)} may")
    return wrong


def wrong_calls(module: str, source: str) -> list[str]:
    """Processes, shells and naps outside of their places."""
    wrong = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.keyword) and node.arg == "shell":
            wrong.append(f"{module} line {node.lineno}: shell=")
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            continue
        called = (node.value.id, node.attr)
        starts = called[0] == "os" and (called[1] in STARTERS or called[1].startswith(STARTER_KINDS))
        reserved = ".".join(called) in RESERVED and module not in RESERVED[".".join(called)]
        naps = called == ("time", "sleep") and module not in NAPS
        if naps or reserved or (starts and module != "tools"):
            wrong.append(f"{module} line {node.lineno}: {'.'.join(called)}")
    return wrong


def broad_excepts(module: str, source: str) -> list[str]:
    """Handlers without a name, or for everything."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler):
            names = {one.id for one in ast.walk(node.type) if isinstance(one, ast.Name)} if node.type else BROAD
            if names & BROAD:
                found.append(f"{module} line {node.lineno}")
    return found


def functions(source: str) -> list[tuple[str, int]]:
    """Every function and its lines, from `def` to its end."""
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [(node.name, (node.end_lineno or node.lineno) - node.lineno + 1) for node in nodes]


def bases(sources: dict[str, str]) -> dict[str, list[str]]:
    """Every class of ours and what it is made from, by their bare names."""
    classes = {}
    for source in sources.values():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                words = (
                    base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases
                )
                classes[node.name] = list(words)
    return classes


def ancestors(name: str, classes: dict[str, list[str]]) -> int:
    """How many classes of ours stand above a class, along the longest way."""
    ours = [base for base in classes[name] if base in classes and base != name]
    return max((1 + ancestors(base, classes) for base in ours), default=0)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_lies_below_it(module: str) -> None:
    assert known(module.partition(".")[0]), f"{module} has no place in the table of this test yet"
    assert wrong_imports(module, MODULES[module]) == []


@pytest.mark.parametrize("module", MODULES)
def test_processes_and_shells_have_one_place(module: str) -> None:
    assert wrong_calls(module, MODULES[module]) == []


def test_there_is_one_broad_except() -> None:
    found = [one for module, source in MODULES.items() for one in broad_excepts(module, source)]
    assert [one.split()[0] for one in found] == [HANDLER]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_says_what_it_is_for(module: str) -> None:
    first = (ast.get_docstring(ast.parse(MODULES[module])) or "").partition("\n")[0]
    assert len(first) > 12, f"{module} does not say what it is for"


@pytest.mark.parametrize("module", MODULES)
def test_a_file_can_be_read_at_one_sitting(module: str) -> None:
    assert len(MODULES[module].splitlines()) <= FILE_LINES


@pytest.mark.parametrize("module", MODULES)
def test_a_function_fits_on_a_screen(module: str) -> None:
    assert [(name, lines) for name, lines in functions(MODULES[module]) if lines > FUNCTION_LINES] == []


def test_functions_are_short() -> None:
    lengths = [lines for source in MODULES.values() for _, lines in functions(source)]
    assert MEDIAN[0] <= statistics.median(lengths) <= MEDIAN[1]
    assert statistics.quantiles(lengths, n=10)[-1] < NINETIETH


def test_inheritance_is_shallow() -> None:
    classes = bases(MODULES)
    assert {name: depth for name in classes if (depth := ancestors(name, classes)) > ANCESTORS} == {}


MEMBERS = [module for module in MODULES if module.partition(".")[0] in FAMILIES | STEPS and "." in module]


@pytest.mark.parametrize("module", [module for module in MEMBERS if module != "scanners.sarif"])  # it runs no tool
def test_a_family_lists_its_members(module: str) -> None:
    """Nothing registers itself on import: what is not in the list is not there."""
    family, member = module.split(".")[:2]
    listed = {name.split(".")[2] for name in imports(ast.parse(MODULES[family])) if name.count(".") > 1}
    assert member in listed


# That the test itself sees what it looks for


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("model", "from hardgate import config"),
        ("model", "import os"),
        ("errors", "from hardgate.model import Run"),
        ("wording", "import hardgate.pins"),
        ("gate", "from hardgate.identity import merge"),
        ("gate", "from hardgate import tools"),
        ("steps.run", "from hardgate import engine"),
        ("steps.run", "from hardgate.steps.push import PUSH"),
        ("step", "from hardgate import performing"),
        ("engine", "from hardgate.steps import STEPS"),
        ("gate", "import time"),
        ("gate", "def f():\n    from random import random"),
        ("plan", "import os.path"),
        ("config", "from hardgate import __version__"),
        ("scanners.bandit", "from hardgate.scanners.ruff import RUFF"),
        ("scanners.bandit", "from hardgate import scanners"),
        ("scanners.bandit", "from hardgate.scanners import sarif"),
        ("reporters.html", "from hardgate.gate import decide"),
        ("reporters.html", "import urllib.request"),
        ("tools", "from hardgate import plan"),
        ("store.schema", "from hardgate import tools"),
        ("store.schema", "from hardgate.receipts import read"),
        ("tools", "from hardgate import repository"),
        ("toolbox.box", "from hardgate import repository"),
        ("toolbox.box", "import subprocess"),
        ("repository", "from hardgate import store"),
        ("action", "from hardgate import scan"),
        ("scan", "from hardgate import engine"),
        ("engine", "from hardgate import gate"),
        ("engine", "from hardgate.config import load"),
        ("engine", "import sqlalchemy"),
        ("engine", "import multiprocessing"),
        ("cli.run", "from sqlite3 import connect"),
        ("cli.run", "from importlib import import_module"),
        ("store", "from ..cli import main"),
    ],
)
def test_a_wrong_import_is_seen(module: str, source: str) -> None:
    assert wrong_imports(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gate", "from hardgate.model import Run\nimport fnmatch"),
        ("adapter", "from hardgate.pins import Prepared"),
        ("plan", "from hardgate.pins import is_requirements"),
        ("scanners", "from hardgate.scanners.bandit import BANDIT"),
        ("reporters.sarif", "from urllib.parse import quote\nfrom hardgate.wording import plain"),
        ("store", "from hardgate.store.reading import run\nimport sqlalchemy"),
        ("toolbox.box", "import os\nfrom hardgate import tools\nfrom hardgate.toolbox import net"),
        ("engine", "import hardgate\nfrom hardgate import action, plan, identity, repository, receipts, scan, tools"),
        (
            "cli.run",
            "from hardgate import engine, gate\nfrom hardgate.cli import common\nfrom hardgate.store import Store",
        ),
        ("tools", "import os, socket, subprocess"),
    ],
)
def test_a_right_import_is_none_of_them(module: str, source: str) -> None:
    assert wrong_imports(module, source) == []


@pytest.mark.parametrize(
    "source",
    [
        "run(x, shell=True)", "os.system('x')", "os.execv(a, b)", "os.spawnl(a)", "os.fork()", "time.sleep(1)",
        "importlib.import_module('x')", "os.posix_spawn(a)",
    ],
)  # fmt: skip
def test_a_wrong_call_is_seen(source: str) -> None:
    assert wrong_calls("engine", source)


@pytest.mark.parametrize("handler", ["except:", "except Exception:", "except (OSError, BaseException) as e:"])
def test_a_broad_except_is_seen(handler: str) -> None:
    assert broad_excepts("engine", f"try:\n    x\n{handler}\n    y")
    assert broad_excepts("engine", "try:\n    x\nexcept (OSError, ValueError):\n    y") == []


def test_a_deep_inheritance_is_seen() -> None:
    classes = bases({"x": "class A: ...\nclass B(A): ...\nclass C(B): ...\nclass D(m.C, Other): ..."})
    assert [ancestors(name, classes) for name in "ABCD"] == [0, 1, 2, 3]
