"""The contract of examples/planetary-api, and the consistency of its list of holes (truth.yaml)."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from packaging.requirements import Requirement
from packaging.version import Version

from hardgate.cli.common import parse_pipeline

PLANETARY = Path(__file__).parents[2] / "examples" / "planetary-api"
ENTRIES: list[dict[str, Any]] = yaml.safe_load((PLANETARY / "truth.yaml").read_text())["entries"]
SAFE_PASSWORD = "a password for tests only"
PLANET = {
    "planet_name": "Pluto",
    "planet_type": "Class D",
    "home_star": "Sol",
    "mass": "1.303e22",
    "radius": "1188.3",
    "distance": "5906.4e6",
}
PLANET_KEYS = {"planet_id", *PLANET}
BOTH_LOGINS = pytest.mark.parametrize(("path", "password"), [("/login", "P@ssw0rd"), ("/safe/login", SAFE_PASSWORD)])


# --- planets ---------------------------------------------------------------------------------------------------------


def test_the_page_is_html(api: FlaskClient) -> None:
    answer = api.get("/")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert "Planetary API" in answer.text


def test_planets_begin_with_mercury_and_have_the_seven_keys(api: FlaskClient) -> None:
    answer = api.get("/planets")
    planets = answer.get_json()
    assert answer.status_code == 200
    assert planets[0]["planet_name"] == "Mercury"
    assert [planet["planet_id"] for planet in planets] == list(range(1, 10))
    assert all(planet.keys() == PLANET_KEYS for planet in planets)


def test_planet_details(api: FlaskClient) -> None:
    assert api.get("/planet_details/3").get_json()["planet_name"] == "Earth"
    for unknown in ("99", "0", "9" * 30):
        answer = api.get(f"/planet_details/{unknown}")
        assert (answer.status_code, answer.get_json()) == (404, {"message": "That planet does not exist"})


def test_random_planet_names_a_planet(api: FlaskClient) -> None:
    names = {planet["planet_name"] for planet in api.get("/planets").get_json()}
    assert api.get("/random_planet").get_json()["planet_name"] in names


@pytest.mark.parametrize(
    ("path", "header"), [("/get_planet", "bearer"), ("/safe/get_planet", "safe_bearer")], ids=["vulnerable", "safe"]
)
def test_get_planet(api: FlaskClient, path: str, header: str, request: pytest.FixtureRequest) -> None:
    headers = request.getfixturevalue(header)
    assert api.get(f"{path}/Earth").status_code == 401
    assert api.get(f"{path}/Earth", headers=headers).get_json().keys() == PLANET_KEYS
    assert api.get(f"{path}/Nowhere", headers=headers).status_code == 404


@pytest.mark.parametrize("path", ["/get_planet_sqlmap", "/safe/get_planet_sqlmap"])
def test_get_planet_sqlmap(api: FlaskClient, path: str) -> None:
    assert api.get(path, query_string={"planet_name": "Venus"}).get_json()["planet_id"] == 2
    assert api.get(path, query_string={"planet_name": "Nowhere"}).status_code == 404
    assert api.get(path).status_code == 400


@pytest.mark.parametrize("how", ["json", "data"])
def test_a_planet_is_added_updated_and_removed(api: FlaskClient, bearer: dict[str, str], how: str) -> None:
    added = api.post("/add_planet", headers=bearer, **{how: PLANET})
    number = added.get_json()["id"]
    assert (added.status_code, added.get_json()) == (201, {"message": "You added a planet", "id": number})
    again = api.post("/add_planet", headers=bearer, **{how: PLANET})
    assert (again.status_code, again.get_json()["message"]) == (409, "There is already a planet by that name")
    change = PLANET | {"planet_id": number, "planet_name": "Mercury", "mass": 23423423454e34}
    updated = api.put("/update_planet", headers=bearer, **{how: change})
    assert (updated.status_code, updated.get_json()) == (202, {"message": "You updated a planet"})
    assert api.get(f"/planet_details/{number}").get_json()["mass"] == 23423423454e34
    removed = api.delete(f"/remove_planet/{number}", headers=bearer)
    assert (removed.status_code, removed.get_json()) == (202, {"message": "You deleted a planet"})
    assert api.get(f"/planet_details/{number}").status_code == 404


def test_changes_need_a_token(api: FlaskClient) -> None:
    assert api.post("/add_planet", json=PLANET).status_code == 401
    assert api.put("/update_planet", json=PLANET).status_code == 401
    assert api.delete("/remove_planet/1").status_code == 401


def test_an_unknown_planet_is_neither_updated_nor_removed(api: FlaskClient, bearer: dict[str, str]) -> None:
    assert api.put("/update_planet", headers=bearer, json=PLANET | {"planet_id": 99}).status_code == 404
    assert api.delete("/remove_planet/99", headers=bearer).status_code == 404


@pytest.mark.parametrize("key", sorted(PLANET))
def test_a_planet_without_one_of_its_fields_is_refused(api: FlaskClient, bearer: dict[str, str], key: str) -> None:
    body = {name: value for name, value in PLANET.items() if name != key}
    answer = api.post("/add_planet", headers=bearer, data=body)
    assert (answer.status_code, answer.get_json()["message"]) == (400, "Missing Parameter")
    assert key in answer.get_json()["errno"]


@pytest.mark.parametrize(
    "change",
    [
        {"mass": "heavy"},
        {"mass": "nan"},
        {"mass": None},
        {"home_star": "s" * 61},
        {"home_star": "\ud800"},
        {"radius": []},
        {"radius": True},
        {"planet_type": "two\u2028lines"},
    ],
)
def test_a_planet_that_cannot_be_stored_is_refused(
    api: FlaskClient, bearer: dict[str, str], change: dict[str, object]
) -> None:
    assert api.post("/add_planet", headers=bearer, json=PLANET | change).status_code == 400


def test_a_planet_needs_a_name(api: FlaskClient, bearer: dict[str, str]) -> None:
    answer = api.post("/add_planet", headers=bearer, data=PLANET | {"planet_name": ""})
    assert (answer.status_code, answer.get_json()) == (400, {"message": "missing planet name"})


def test_planetary_and_unknown_addresses(api: FlaskClient) -> None:
    assert api.get("/planetary").text == api.get("/safe/planetary").text == "Planetary-API!"
    for path in ("/not_found", "/no/such/address"):
        answer = api.get(path)
        assert (answer.status_code, answer.get_json()) == (404, {"message": "That resource was not found"})


# --- users -----------------------------------------------------------------------------------------------------------


@BOTH_LOGINS
@pytest.mark.parametrize("how", ["json", "data"])
def test_login(api: FlaskClient, path: str, password: str, how: str) -> None:
    answer = api.post(path, **{how: {"email": "test@test.com", "password": password}})
    assert answer.status_code == 200
    assert answer.get_json().keys() == {"message", "access_token"}
    assert answer.get_json()["message"] == "Login succeeded!"


@BOTH_LOGINS
@pytest.mark.parametrize(
    "body",
    [{"email": "test@test.com", "password": "wrong"}, {"email": "nobody@test.com"}, {}, [], "text", {"email": 1}],
)
def test_login_fails(api: FlaskClient, path: str, password: str, body: object) -> None:
    answer = api.post(path, json=body)
    assert (answer.status_code, answer.get_json()) == (401, {"message": "Bad email or password"})


@pytest.mark.parametrize("prefix", ["", "/safe"])
@pytest.mark.parametrize("how", ["json", "data"])
def test_register(api: FlaskClient, prefix: str, how: str) -> None:
    person = {"first_name": "Edwin", "last_name": "Hubble", "email": "e@test.com", "password": "Galaxies-1924"}
    created = api.post(f"{prefix}/register", **{how: person})
    assert (created.status_code, created.get_json()) == (201, {"message": "User created successfully."})
    again = api.post(f"{prefix}/register", **{how: person})
    assert (again.status_code, again.get_json()) == (409, {"message": "That email already exists."})
    assert api.post(f"{prefix}/register", **{how: {"email": "f@test.com"}}).status_code == 400
    login = {"email": "e@test.com", "password": "Galaxies-1924"}
    assert api.post(f"{prefix}/login", json=login).status_code == 200


def test_a_safe_password_has_a_shortest_length(api: FlaskClient) -> None:
    person = {"first_name": "E", "last_name": "H", "email": "e@test.com", "password": "eleven char"}
    assert "12 characters" in api.post("/safe/register", json=person).get_json()["errno"]


# --- files, addresses, imports ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/dbsize", "/safe/dbsize"])
def test_dbsize_prints_what_du_prints(api: FlaskClient, path: str) -> None:
    answer = api.get(f"{path}/planets.db")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert re.fullmatch(r"\d+\tplanets\.db\n", answer.text)
    assert api.get("/dbsize/planets.db").text == api.get("/safe/dbsize/planets.db").text
    assert api.get(f"{path}/no.db").status_code == 400


@pytest.mark.parametrize("path", ["/read_log", "/read_log/safe"])
def test_read_log(api: FlaskClient, path: str) -> None:
    assert api.get(path, query_string={"filename": "planetary.log"}).status_code == 404
    api.post("/login", json={"email": "a\nb@test.com", "password": "wrong"})
    answer = api.get(path, query_string={"filename": "planetary.log"})
    assert answer.mimetype == "text/plain"
    assert re.fullmatch(r"\S+Z a\\nb@test\.com failed to log in\n", answer.text)
    assert api.get(path).status_code == 400


@pytest.mark.parametrize("path", ["/fetch", "/fetch/safe"])
def test_fetch_needs_an_address(api: FlaskClient, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.text) == (400, "Missing 'url' parameter")


# --- commands and settings -------------------------------------------------------------------------------------------


def test_the_commands_may_be_run_again(start: Any, tmp_path: Path) -> None:
    app = start(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path / 'new.db'}")
    runner = app.test_cli_runner()
    names = ("db_create", "db_create", "db_seed", "db_seed", "db_drop", "db_drop", "db_create")
    said = [runner.invoke(args=[name]) for name in names]
    assert [result.exit_code for result in said] == [0] * 7
    assert said[2].output.count("shown this once") == 2
    assert said[3].output == "Database seeded!\n"
    assert app.test_client().get("/planets").get_json() == []


def test_flask_finds_the_application(tmp_path: Path) -> None:
    environment = os.environ | {"PLANETARY_DATA": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "flask", "--app", "app", "db_create"]
    done = subprocess.run(command, cwd=PLANETARY, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Database created!\n"), done.stderr
    assert (tmp_path / "planets.db").exists()


def test_mysql_is_chosen_by_the_environment(planetary_package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"DB_HOST": "db", "DB_USER": "u", "DB_PASSWORD": "p/@", "DB_NAME": "n"}.items():
        monkeypatch.setenv(name, value)
    address = planetary_package.settings.database_uri(Path("data"))
    assert address.render_as_string(hide_password=False) == "mysql+pymysql://u:p%2F%40@db:3306/n?charset=utf8mb4"


def test_a_short_signing_key_is_refused(planetary_package: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFE_JWT_KEY", "k" * 31)
    with pytest.raises(ValueError, match="fewer than 32 bytes"):
        planetary_package.settings.signing_key()


# --- truth.yaml and the files it names -------------------------------------------------------------------------------


def _source(entry: dict[str, Any]) -> str:
    """Return the text in which the entry's locator must be: a function, an assignment or the whole file."""
    text: str = (PLANETARY / entry["file"]).read_text()
    if entry["function"] is None:
        return text
    found = [node for node in ast.parse(text).body if entry["function"] in _names(node)]
    assert len(found) == 1, f"{entry['file']} does not hold one {entry['function']}"
    return ast.get_source_segment(text, found[0]) or ""


def _names(node: ast.stmt) -> list[str]:
    match node:
        case ast.FunctionDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case _:
            return []


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_an_entry_names_what_exists(entry: dict[str, Any], api: FlaskClient) -> None:
    optional = {"related", "ids", "static_only"}
    required = {"id", "pair", "kind", "file", "function", "locator", "cwe", "endpoint", "dynamic", "why"}
    assert required <= entry.keys() <= required | optional
    assert entry["id"] == f"{entry['pair']}-{entry['kind']}"
    assert all(re.fullmatch(r"CWE-[1-9]\d*", cwe) for cwe in [entry["cwe"], *entry.get("related", [])])
    assert all(re.fullmatch(r"CVE-\d{4}-\d{4,}", name) for name in entry.get("ids", []))
    assert entry["why"].endswith(".")
    assert (entry["dynamic"] is None) == ("static_only" in entry), "a request, or the reason why there is none"
    assert (entry["function"] is None) == (not entry["file"].endswith(".py"))
    assert _source(entry).count(entry["locator"]) == 1
    assert entry["endpoint"] is None or entry["endpoint"] in _routes(api.application)


def _routes(app: Flask, blueprint: str = "") -> set[str]:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith(blueprint)]
    return {f"{method} {rule.rule}" for rule in rules for method in rule.methods or ()}


def test_every_pair_has_two_sides_of_one_weakness() -> None:
    for pair in {entry["pair"] for entry in ENTRIES}:
        sides = [entry for entry in ENTRIES if entry["pair"] == pair]
        assert sorted(entry["kind"] for entry in sides) == ["safe", "vulnerable"], pair
        assert len({entry["cwe"] for entry in sides}) == 1, pair


@pytest.mark.parametrize(("blueprint", "kind"), [("vulnerable.", "vulnerable"), ("safe.", "safe")])
def test_every_endpoint_with_a_side_is_listed(api: FlaskClient, blueprint: str, kind: str) -> None:
    listed = {entry["endpoint"] for entry in ENTRIES if entry["kind"] == kind}
    routes = {route for route in _routes(api.application, blueprint) if route.split()[0] not in {"HEAD", "OPTIONS"}}
    assert routes <= listed


def _pins(name: str) -> dict[str, Version]:
    """Return the pinned versions; any line that is no exact pin of a package fails."""
    pins = {}
    for line in (PLANETARY / name).read_text().splitlines():
        requirement = Requirement(line)
        (specifier,) = requirement.specifier
        assert (specifier.operator, requirement.url) == ("==", None), line
        pins[requirement.name.lower()] = Version(specifier.version)
    return pins


def test_dependencies_are_pinned_and_the_vulnerable_ones_are_listed() -> None:
    pinned, old = _pins("requirements.txt"), _pins("requirements-vulnerable.txt")
    entries = [entry for entry in ENTRIES if entry["file"] == "requirements-vulnerable.txt"]
    assert {entry["locator"].split("==")[0].lower() for entry in entries} == old.keys()
    assert all(entry["ids"] for entry in entries)
    assert all(pinned[name] > version for name, version in old.items())
    wanted = {Requirement(line).name for line in (PLANETARY / "requirements.in").read_text().splitlines()[1:]}
    assert wanted <= pinned.keys()


def test_hardgate_yaml_names_this_pipeline() -> None:
    pipeline = yaml.safe_load((PLANETARY / "hardgate.yaml").read_text())
    assert pipeline["pipeline"] == "planetary-api"
    assert [stage["name"] for stage in pipeline["stages"]] == ["secrets", "scan"]


def test_the_readme_has_a_pipeline_that_tests_the_api_while_it_runs() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (PLANETARY / "README.md").read_text(), re.DOTALL)
    pipeline = parse_pipeline(text.encode(), "README.md")
    (action,) = pipeline.stages[0].actions
    (environment,) = pipeline.environments.values()
    assert (action.name, environment.asked, environment.isolation) == ("newman", "api", "network")
    for name in ("planetary-api.postman_collection.json", "local.postman_environment.json"):
        assert f"postman/{name}" in text
        assert (PLANETARY / "postman" / name).is_file()


# --- the two images --------------------------------------------------------------------------------------------------

IMAGES = ("Dockerfile", "Dockerfile.safe")


def _instructions(name: str) -> list[tuple[str, str]]:
    text = (PLANETARY / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_image_root() -> None:
    users = {name: [rest for word, rest in _instructions(name) if word == "USER"] for name in IMAGES}
    assert users == {"Dockerfile": ["root"], "Dockerfile.safe": ["10001"]}


def test_image_secret() -> None:
    secret = re.compile(r"\b\w*(?:PASSWORD|TOKEN|KEY|SECRET)\w*=(\S+)")
    found = {name: [hit for _, rest in _instructions(name) for hit in secret.findall(rest)] for name in IMAGES}
    assert len(found["Dockerfile"]) == 1
    assert found["Dockerfile.safe"] == []


def test_image_copies_all() -> None:
    assert ("ADD", ". /app") in _instructions("Dockerfile")
    copied = [rest.split()[:-1] for word, rest in _instructions("Dockerfile.safe") if word in {"ADD", "COPY"}]
    assert copied == [["requirements.txt"], ["app.py", "serve.py"], ["planetary"]]
    assert all((PLANETARY / name).exists() for names in copied for name in names)
