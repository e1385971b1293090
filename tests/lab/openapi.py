"""Answers of a running application, held to its OpenAPI 3.0 document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import jsonschema
from openapi_schema_validator import OAS30Validator

Document = Mapping[str, Any]


class Answer(NamedTuple):
    """An answer; `media` has no parameters."""

    status: int
    media: str
    body: bytes


def undocumented(document: Document, method: str, path: str, answer: Answer) -> str | None:
    """What a document does not say of an answer, in a sentence; None when it says all of it.

    `path` is the document's, with its variables in braces.
    """
    where = f"{method} {path} {answer.status}"
    answers = document["paths"].get(path, {}).get(method.lower(), {}).get("responses", {})
    if str(answer.status) not in answers:
        return f"{where}: no such answer is documented"
    content = _resolved(document, answers[str(answer.status)])["content"]
    if answer.media not in content:
        return f"{where}: {answer.media} is not documented"
    value = json.loads(answer.body) if answer.media == "application/json" else answer.body.decode()
    # The schemas of a document refer to each other from its root.
    schema = {**content[answer.media]["schema"], "components": document["components"]}
    try:
        OAS30Validator(schema).validate(value)
    except jsonschema.ValidationError as error:
        return f"{where}: {error.message}"
    return None


def _resolved(document: Document, entry: Document) -> Document:
    found: Document = document
    if "$ref" not in entry:
        return entry
    for word in entry["$ref"].removeprefix("#/").split("/"):
        found = found[word]
    return found
