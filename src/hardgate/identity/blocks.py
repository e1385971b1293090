"""The blocks of HCL, YAML and Dockerfiles, line by line: enough to say where a line stands, never an error.

These are no parsers. What is not understood leaves a line in the block around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_HCL_BLOCK = re.compile(r'\s*([A-Za-z_][\w-]*)((?:\s+(?:"[^"]*"|[A-Za-z_][\w-]*))*)\s*\{')
_HCL_QUIET = re.compile(r'"(?:[^"\\]|\\.)*"|(?:#|//).*|/\*.*?\*/')
_HEREDOC = re.compile(r"<<[-~]?\s*([A-Za-z_]\w*)\s*$")
_FROM = re.compile(r"\s*FROM\s+(?:--\S+\s+)*\S+(?:\s+AS\s+(\S+))?", re.IGNORECASE)
_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)(?:\s|$)")
_YAML_KEY = re.compile(r"""(?P<key>"[^"]*"|'[^']*'|[^\s#\[\]{},&*!|>'"%@`-][^:#]*|-[^\s:][^:#]*):(?=\s|$)""")
_YAML_BLOCK = re.compile(r":\s+(?:[!&]\S+\s+)*[|>][-+0-9]*\s*(?:#.*)?$|^-\s+[|>][-+0-9]*\s*$")
_WIDEST = 1000  # characters of a line that are looked at: a hostile line costs no more than a long one
_CALLED = ("name", "id", "Sid", "uses", "key", "hosts")  # keys by whose value people tell the items of a list apart


def hcl(lines: Sequence[str]) -> list[str]:
    """Blocks by type and labels, as in `resource.aws_s3_bucket.logs/versioning`."""
    names, stack, heredoc, comment = [], [""], "", False
    for line in (whole[:_WIDEST] for whole in lines):
        if heredoc or comment:
            names.append(stack[-1])
            heredoc = "" if line.strip() == heredoc else heredoc
            comment = comment and "*/" not in line
            continue
        block = _HCL_BLOCK.match(line)
        bare = _HCL_QUIET.sub("", line)
        comment = "/*" in bare
        opens, closes = bare.count("{"), bare.count("}")
        if block and opens:
            labels = ".".join([block[1], *re.findall(r'[^\s"]+', block[2])])
            inner = f"{stack[-1]}/{labels}" if stack[-1] else labels
            names.append(inner)
            stack += [inner] * opens
        else:
            names.append(stack[-1])
            stack += [stack[-1]] * opens
        del stack[max(1, len(stack) - closes) :]
        found = _HEREDOC.search(line)
        heredoc = found[1] if found else ""
    return names


def dockerfile(lines: Sequence[str]) -> list[str]:
    """Stages by name, or by number from 0, and the instruction, as in `build.RUN`; a continued line is a part of it."""
    names, stage, number, word, continued = [], "", -1, "", False
    for line in (whole[:_WIDEST] for whole in lines):
        blank = not line.strip() or line.lstrip().startswith("#")
        if not continued and not blank:
            if start := _FROM.match(line):
                number += 1
                stage = (start[1] or str(number)).lower()
            found = _INSTRUCTION.match(line)
            word = found[1].upper() if found else ""
        names.append(f"{stage}.{word}" if word else stage)
        if not blank:
            continued = line.rstrip().endswith("\\")
    return names


def yaml(lines: Sequence[str]) -> list[str]:
    """Keys from the outermost to that of the line, as in `jobs.test.steps.-checkout.run`.

    An item of a list is called by its name, id or action where its first line has one. Of several documents each is
    called by its kind and name (Kubernetes) where it has them.
    """
    titles = _titles(lines)
    title = next(titles)
    names: list[str] = []
    stack: list[tuple[int, str]] = []
    scalar = -1  # the indentation of the key whose text runs over lines
    for line in (whole[:_WIDEST] for whole in lines):
        text = line.lstrip(" ")
        column = len(line) - len(text)
        if line.startswith("---"):
            title, stack, scalar = next(titles, ""), [], -1
        elif text.strip() and not (scalar >= 0 and column > scalar) and not text.startswith("#"):
            scalar = column if _YAML_BLOCK.search(text) else -1
            _step(stack, column, text)
        names.append(".".join([title, *(label for _, label in stack)] if title else [label for _, label in stack]))
    return names


def _step(stack: list[tuple[int, str]], column: int, text: str) -> None:
    """Make the stack that of a line which begins at `column` with `text`."""
    item = text.startswith("- ")
    while stack and stack[-1][0] >= column:
        if item and stack[-1][0] == column and not stack[-1][1].startswith("-"):
            break  # the items of a list may begin below their key
        stack.pop()
    while text.startswith("- "):
        rest = text[2:].lstrip(" ")
        stack.append((column, f"-{_called(rest)}"))
        column, text = column + len(text) - len(rest), rest
    if key := _YAML_KEY.match(text):
        stack.append((column, key["key"].strip().strip("\"'")))


def _called(text: str) -> str:
    key, _, value = text.partition(":")
    return value.split("@")[0].split(" #")[0].strip().strip("\"'") if key.strip("\"'") in _CALLED else ""


def _titles(lines: Sequence[str]) -> Iterator[str]:
    """What each document of a file is called; "" for one without kind and name."""
    kind = name = ""
    inside = False
    for line in (whole[:_WIDEST] for whole in lines):
        if line.startswith("---"):
            yield f"{kind}/{name}" if kind and name else ""
            kind = name = ""
            inside = False
        elif line[:1].strip() and not line.startswith("#"):
            inside = line.startswith("metadata:")
            kind = line[5:].strip() if line.startswith("kind:") else kind
        elif inside and not name and (found := re.match(r"\s+name:\s*(\S+)", line)):
            name = found[1]
    yield f"{kind}/{name}" if kind and name else ""
