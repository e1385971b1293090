"""The OpenAPI document of examples/planetary-api: valid, and of the routes that the application has.

test_planetary_api_collection.py holds every answer of the real application to it.
"""

from __future__ import annotations

import re
from typing import Any

import openapi_spec_validator
import pytest
import yaml
from flask.testing import FlaskClient
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from tests.lab import openapi, planetary

DOCUMENT: dict[str, Any] = yaml.safe_load((planetary.HOME / "openapi.yaml").read_bytes())
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
OPERATIONS = {
    (method.upper(), path): operation
    for path, entry in DOCUMENT["paths"].items()
    for method, operation in entry.items()
    if method in METHODS
}


def test_it_is_valid_and_a_broken_one_is_not() -> None:
    openapi_spec_validator.validate(DOCUMENT)
    with pytest.raises(OpenAPIValidationError):
        openapi_spec_validator.validate({**DOCUMENT, "paths": {"/planets": {"get": {}}}})


def test_it_has_the_routes_of_the_application(api: FlaskClient) -> None:
    rules = [rule for rule in api.application.url_map.iter_rules() if rule.endpoint != "static"]
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert OPERATIONS.keys() == routes


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_an_operation_declares_its_variables_its_side_and_its_token(method: str, path: str, api: FlaskClient) -> None:
    operation = OPERATIONS[method, path]
    known = DOCUMENT["components"]["parameters"]
    declared = [known[one["$ref"].rpartition("/")[2]] for one in operation.get("parameters", [])]
    assert {one["name"] for one in declared if one["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
    rule = re.sub(r"{(\w+)}", r"<\1>", path)
    endpoints = {re.sub(r"<\w+:", "<", one.rule): one.endpoint for one in api.application.url_map.iter_rules()}
    assert operation["tags"] == [endpoints[rule].partition(".")[0]]
    if not path.endswith(("/login", "/reset_password", "/retrieve_password/{email}")):  # refuse by 401 for other reasons
        refused = api.open(path.replace("{planet_id}", "1"), method=method).status_code in {401, 403}
        assert refused == ("security" in operation)


def test_an_answer_that_is_not_documented_is_told() -> None:
    def told(path: str, status: int, media: str, body: bytes) -> str | None:
        return openapi.undocumented(DOCUMENT, "GET", path, openapi.Answer(status, media, body))

    assert told("/random_planet", 200, "application/json", b'{"planet_name": "Earth"}') is None
    assert told("/random_planet", 500, "text/html", b"") == "GET /random_planet 500: no such answer is documented"
    assert told("/nowhere", 200, "text/html", b"") == "GET /nowhere 200: no such answer is documented"
    assert told("/planets", 200, "text/html", b"") == "GET /planets 200: text/html is not documented"
    assert told("/random_planet", 200, "application/json", b"{}") == (
        "GET /random_planet 200: 'planet_name' is a required property"
    )
    assert told("/planets", 200, "application/json", b'"Earth"') == "GET /planets 200: 'Earth' is not of type 'array'"
