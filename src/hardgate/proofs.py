"""What the source says about findings of other tools: who answers an endpoint, and who imports a package.

These are values that model.py hands on. They are read from syntax trees (routes/, imports.py) and kept with the run, so
that a stored run can be judged again without its source.
"""

from __future__ import annotations

import enum

import msgspec


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A function, method or class of the source: lines `line` to `end_line` from 1, its decorators included."""

    path: str
    name: str
    line: int
    end_line: int


class Route(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One way from a request to the code that answers it.

    `methods` are in capitals, none for any. `template` is for people, as its framework writes it, with all prefixes;
    `parts` is the same for matching: "=TEXT" for itself, or the sort of a parameter (routes/templates.py). Of routes of
    one `router` the earlier wins, except in Flask. `app` is where the application is made, "" for Django. `calls` are
    the functions of the source that the handler calls.
    """

    framework: str
    methods: tuple[str, ...]
    template: str
    parts: tuple[str, ...]
    handler: Place
    router: str = ""
    app: str = ""
    calls: tuple[Place, ...] = ()


class Unread(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A place of the source that says something about routes, or about imports, which could not be read from it."""

    path: str
    line: int
    message: str


class Routes(msgspec.Struct, frozen=True, kw_only=True):
    """The route table of a tree. `unread` may hide routes: an endpoint without a route may have one there."""

    routes: tuple[Route, ...] = ()
    unread: tuple[Unread, ...] = ()


class Imported(enum.StrEnum):
    """Whether the application imports a package, as far as its source tells."""

    YES = "imported"
    NO = "not-imported"
    UNKNOWN = "unknown"


class Use(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whether the application imports a package, and where: `line` of `path`; `because` says it as a sentence.

    `through` is the imported package that asks for this one, "" for the application itself.
    """

    imported: Imported
    because: str
    path: str = ""
    line: int | None = None
    through: str = ""


class Proof(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of the code behind the `endpoints` at which a dynamic test showed a problem.

    `confirmed`: static tools report the same weakness in that code. `handler` is that code, "" where no route could be
    read; `because` says it as a sentence.
    """

    confirmed: bool
    endpoints: tuple[str, ...]
    because: str
    handler: str = ""


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of the source for one run: routes where a dynamic test reported, and the use of packages.

    `uses` are by ecosystem and name, as in "pypi/jinja2". None: nothing asked for them, so nothing was read.
    """

    routes: Routes | None = None
    uses: dict[str, Use] | None = None
