"""The program: policies and data in, every input judged by every namespace, one JSON report out.

Whatever was not judged is a gap in the report, in hardgate's words for reasons. The report says which policies, data
and inputs were read. Exit codes: 0 after a whole report, 2 where there is none.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from hardgate.rego import judging, modules
from hardgate.rego.documents import UnreadError, documents, encoded
from hardgate.rego.judging import Namespace
from hardgate.rego.library import Engine, LibraryError, RegoError, version
from hardgate.rego.modules import Module, PolicyError

_WHOLE, _FAILED = 0, 2
_DATA = (".json", ".yaml", ".yml")
_SAID = 400  # characters of the engine's own words in a gap
_MEND = "Mend the policy: what it was to judge was not judged."


def main(words: Sequence[str], out: BinaryIO) -> int:
    """Write the report of one start to `out`; the exit code is returned."""
    options = _options(words)
    library = Path(options.library)
    try:
        if options.version:
            Engine(library)
            out.write(f"OPA {version(library)}\n".encode())
            return _WHOLE
        report = _Work(options, library).report(version(library))
    except LibraryError as error:
        sys.stderr.write(f"hardgate.rego: {error}\n")
        return _FAILED
    out.write(json.dumps(report, ensure_ascii=True).encode() + b"\n")
    return _WHOLE


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hardgate.rego", allow_abbrev=False)
    parser.add_argument("library", help="the shared library with OPA's engine")
    parser.add_argument("--version", action="store_true")
    parser.add_argument("--policy", action="append", default=[], help="a folder of .rego files, or one of them")
    parser.add_argument("--data", action="append", default=[], help="a folder of JSON and YAML files, or one of them")
    parser.add_argument("--namespace", action="append", default=[])
    parser.add_argument("--all-namespaces", action="store_true")
    parser.add_argument("--whole", action="store_true", help="a namespace with rules that was not named is a gap")
    parser.add_argument("--proof", default="", help="a namespace that judges the file of --prove, and nothing else")
    parser.add_argument("--prove", default="", help="an input that the namespace of --proof must deny")
    parser.add_argument("--input", action="append", default=[], dest="inputs")
    return parser.parse_args(words)


class _Work:
    """What is read and found on the way."""

    def __init__(self, options: argparse.Namespace, library: Path) -> None:
        # Two, since an engine compiles all of its modules at every question: one that only parses has none.
        self.options, self.engine, self.parser = options, Engine(library), Engine(library)
        self.modules: list[Module] = []
        self.read: list[str] = []
        self.data: list[str] = []
        self.findings: list[dict[str, Any]] = []
        self.gaps: list[dict[str, str]] = []
        self.tests = 0

    def report(self, opa: str) -> dict[str, Any]:
        for file in _files(self.options.policy, (".rego",)):
            self._policy(file)
        for file in _files(self.options.data, _DATA):
            self._data(file)
        spaces = self._namespaces()
        self._idle()
        if self._compiles():
            proof = self.options.proof
            self._test()
            for name in self.options.inputs:
                self._input(name, [one for one in spaces if self._theirs(one.name)])
            if self.options.prove:
                self._input(self.options.prove, [one for one in spaces if one.name == proof])
        return {
            "version": 1,
            "opa": opa,
            "policies": [one.file for one in self.modules],
            "data": self.data,
            "read": self.read,
            "namespaces": {one.name: sorted(one.rules) for one in spaces},
            "tests": self.tests,
            "findings": self.findings,
            "gaps": self.gaps,
        }

    def gap(self, reason: str, message: str, remedy: str, path: str = "") -> None:
        """Note what was not judged."""
        said = " ".join(message.split())
        self.gaps.append({"reason": reason, "message": said[:_SAID], "remedy": remedy, "path": path})

    def _theirs(self, namespace: str) -> bool:
        """Whether a namespace judges the repository's inputs, and not only what proves the engine."""
        return namespace != self.options.proof or namespace in self.options.namespace

    def _idle(self) -> None:
        if not self.options.inputs:
            remedy = "Make the plan or the manifest first, and see that git does not ignore it and `inputs` names it."
            self.gap("nothing-in-scope", "There are policies, and no input to judge by them.", remedy)

    def _policy(self, file: str) -> None:
        try:
            text = Path(file).read_bytes().decode("utf-8-sig")
            module = modules.read(self.parser, file, text)
            self.engine.policy(file, text)
        except UnicodeDecodeError:
            self.gap("file-unread", f"{file} is not UTF-8 text.", _MEND, file)
        except (PolicyError, RegoError) as error:
            self.gap("file-unread", f"The policy {file} was not taken: {error}.", _MEND, file)
        else:
            self.modules.append(module)

    def _data(self, file: str) -> None:
        try:
            for one in documents(file, Path(file).read_bytes(), apart=False):
                self.engine.data(encoded(one))
            self.data.append(file)
        except (UnreadError, RegoError) as error:
            remedy = "Mend the file: policies that need it would judge by less. It must hold an object."
            self.gap("file-unread", f"The data file {file} was not taken: {error}.", remedy, file)

    def _namespaces(self) -> list[Namespace]:
        """The namespaces to judge by; one that is not there, or that has no rule, is a gap."""
        known = judging.namespaces(self.modules)
        proof = self.options.proof
        if not any(map(self._theirs, known)):
            where = ", ".join(self.options.policy) or "anywhere"
            self.gap("rules-empty", f"No policy was loaded from {where}.", "Name the folder of the policies: `policy`.")
        asked = [*self.options.namespace, *([proof] if proof else [])]
        if self.options.all_namespaces:
            asked = [name for name in known if known[name].rules]
            if known and not any(map(self._theirs, asked)):
                remedy = "Write deny, violation or warn rules."
                self.gap("rules-empty", "No namespace has a deny, violation or warn rule.", remedy)
        for name in asked:
            if name not in known or not known[name].rules:
                there = ", ".join(one for one in known if one != proof) or "none"
                message = f"The namespace {name} has no deny, violation or warn rule (namespaces: {there})."
                self.gap("rules-empty", message, "Mend `namespaces`, or set `all_namespaces: true`.")
        for name in known if self.options.whole else ():
            if name not in asked and known[name].rules:
                message = f"The rules of the namespace {name} were not asked: `namespaces` names none."
                self.gap("not-covered", message, "Name what shall count under `namespaces`, or set all_namespaces.")
        return [known[name] for name in dict.fromkeys(asked) if name in known and known[name].rules]

    def _compiles(self) -> bool:
        try:
            self.engine.value("true")
        except RegoError as error:
            self.gap("tool-failed", f"The policies do not compile: {error}.", _MEND)
            return False
        return True

    def _test(self) -> None:
        """The policies' own unit tests: one that does not hold says that the policies do not do what they shall."""
        for module in self.modules:
            place = judging.reference(module.package)
            for test in module.tests:
                self.tests += 1
                said = "it does not hold"
                try:
                    if self.engine.value(f"{place}[{json.dumps(test)}]") is True:
                        continue
                except RegoError as error:
                    said = str(error)
                remedy = "Mend the policy or its test: a policy that fails its own test cannot be trusted."
                self.gap("tool-failed", f"The test {module.name}.{test} failed: {said}.", remedy, module.file)

    def _input(self, name: str, spaces: Sequence[Namespace]) -> None:
        out = "Mend the file, or take it out of `inputs`."
        try:
            found = documents(name, Path(name).read_bytes())
        except UnreadError as error:
            self.gap("file-unread", f"{name} {error}.", out, name)
            return
        self.read.append(name)
        proving = name == self.options.prove
        theirs = [one for one in self.modules if proving or self._theirs(one.name)]
        places = frozenset[modules.Path]().union(*(one.reads for one in theirs))
        for number, document in enumerate(found):
            which = f"document {number + 1} of {name}" if len(found) > 1 else name
            if spaces and not any(modules.there(place, document) for place in places):
                message = f"No policy looks at anything that is in {which}."
                self.gap("not-covered", message, "Write a policy for it, or take it out of `inputs`.", name)
            for message in _partial(document):
                self.gap("file-unread", f"{which} {message}", "Plan again, whole, and hand in that.", name)
            self._judge(name, which, document, spaces)

    def _judge(self, name: str, which: str, document: Any, spaces: Iterable[Namespace]) -> None:
        given = encoded(document)
        for space in spaces:
            try:
                answer = judging.judge(self.engine, space, given)
            except RegoError as error:
                self.gap("tool-failed", f"{space.name} could not judge {which}: {error}.", _MEND, name)
                continue
            self.findings += [{**one, "path": name} for one in answer.found]
            for said in answer.broken:
                self.gap("tool-failed", f"{space.name} could not judge {which}: {said}.", _MEND, name)


def _partial(document: Any) -> Iterator[str]:
    """What a Terraform plan says of itself that makes it less than the whole.

    https://developer.hashicorp.com/terraform/internals/json-format#plan-representation
    """
    if not isinstance(document, dict) or "terraform_version" not in document or "resource_changes" not in document:
        return
    if document.get("errored") is True:
        yield "is the plan of a run that ended with an error: what came after it is not in it."
    elif document.get("complete") is False:
        yield "is a plan that leaves resources out (-target, or deferred changes)."


def _files(places: Iterable[str], endings: tuple[str, ...]) -> list[str]:
    """The files with these endings in folders, and files by name, as relative paths; links are not followed."""
    found: dict[str, None] = {}
    for place in places:
        if Path(place).is_file():
            found[os.path.normpath(place)] = None
        for folder, folders, names in os.walk(place):
            folders.sort()
            paths = (os.path.normpath(Path(folder) / one) for one in sorted(names) if one.endswith(endings))
            found |= dict.fromkeys(path for path in paths if not Path(path).is_symlink())
    return list(found)
