"""REPORTERS: every form in which a run and its verdict can be written. Members do not know each other.

A new reporter is one file with `render(run, verdict) -> bytes` and one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hardgate.model import Run, Verdict
from hardgate.reporters import (
    asff,
    codeclimate,
    csv,
    cyclonedx,
    github,
    gitlab,
    html,
    json,
    junit,
    markdown,
    ocsf,
    sarif,
    text,
)


@dataclass(frozen=True, slots=True)
class Reporter:
    """A format: `render` is pure and raises hardgate.errors.Error when the verdict does not cover the run.

    `suffix` is the usual end of a file's name, `media_type` what a web server would call its content. `parts` gives the
    same bytes one after the other, where a format has no limit: a million findings take some GB.
    """

    name: str
    media_type: str
    render: Callable[[Run, Verdict], bytes]
    suffix: str
    parts: Callable[[Run, Verdict], Iterator[bytes]] | None = None


REPORTERS: tuple[Reporter, ...] = (
    Reporter("text", "text/plain; charset=utf-8", text.render, ".txt"),
    Reporter("json", "application/json", json.render, ".json", json.parts),
    Reporter("sarif", "application/sarif+json", sarif.render, ".sarif", sarif.parts),
    Reporter("markdown", "text/markdown; charset=utf-8", markdown.render, ".md"),
    Reporter("junit", "application/xml", junit.render, ".xml"),
    Reporter("html", "text/html; charset=utf-8", html.render, ".html"),
    Reporter("github", "text/plain; charset=utf-8", github.render, ".github.txt"),
    Reporter("sarif-github", "application/sarif+json", sarif.render_github, ".github.sarif"),
    Reporter("asff", "application/json", asff.render, ".asff.json"),
    Reporter("ocsf", "application/json", ocsf.render, ".ocsf.json"),
    Reporter("gitlab-sast", "application/json", gitlab.render_sast, ".gl-sast.json"),
    Reporter("gitlab-dependency", "application/json", gitlab.render_dependency, ".gl-dependency.json"),
    Reporter("gitlab-secret", "application/json", gitlab.render_secret, ".gl-secret.json"),
    Reporter("cyclonedx", "application/vnd.cyclonedx+json", cyclonedx.render, ".cdx.json"),
    Reporter("csv", "text/csv; charset=utf-8", csv.render, ".csv"),
    Reporter("codeclimate", "application/json", codeclimate.render, ".codeclimate.json"),
)

BY_NAME: dict[str, Reporter] = {reporter.name: reporter for reporter in REPORTERS}
