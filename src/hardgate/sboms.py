"""How an SBOM is made of a requirements file: CycloneDX 1.6 by cyclonedx-bom, for the adapters that need one.

https://cyclonedx.org/docs/1.6/json/ and https://github.com/CycloneDX/cyclonedx-python.
"""

from __future__ import annotations

import dataclasses

from hardgate import pins
from hardgate.adapter import Job

MAKER = "cyclonedx"  # the tool's name in the toolbox
MEDIA_TYPE = "application/vnd.cyclonedx+json; version=1.6"
_SPECIFICATION = "1.6"


def split(job: Job) -> tuple[Job, ...]:
    """One start, and one document, for each file."""
    return tuple(dataclasses.replace(job, subject=path) for path in job.files)


def prepare(job: Job, content: bytes) -> pins.Prepared:
    """The requirements file `job.subject` without includes and lines that name nothing, with a gap for what is lost.

    cyclonedx-py 7.5 follows includes, which lists a package in several documents and gives it a random bom-ref; it
    drops a line that it cannot read without a word and exits 0.
    """
    return pins.prepare_list(job.subject, content, frozenset(job.files))


def argv(job: Job) -> tuple[str, ...]:
    """The command line that writes the document of `job.subject` to standard output."""
    # The schema check of the tool itself takes seconds; our tests hold its output against the schema instead.
    form = ("--spec-version", _SPECIFICATION, "--output-format", "JSON", "--output-reproducible", "--no-validate")
    return (*job.command, "requirements", *form, *job.args, f"./{job.subject}")
