"""Syntax trees of Python, walked quickly: ast.iter_child_nodes takes twice as long, and every file comes by here."""

from __future__ import annotations

import ast


def below(node: ast.AST) -> list[ast.AST]:
    """The nodes directly below a node, the last one first: the first is popped first. Contexts are left out."""
    found = list[ast.AST]()
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST) and name != "ctx":
            found.append(value)
    found.reverse()
    return found
