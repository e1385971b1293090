"""`environment:` in hardgate.yaml: what can be said, and each mistake refused where it stands."""

from __future__ import annotations

import pytest

from hardgate import config
from hardgate.adapter import NoOptions
from hardgate.errors import ConfigError
from hardgate.services import Environment, Service, filled

HEAD = "pipeline: small\nstages:\n  - {name: test, actions: [bandit]}\nenvironment:\n"
WHOLE = """\
  local:
    services:
      database: {command: [serve, "${STATE}"], ready: [ping, "${PORT}"], timeout: 5}
      api:
        command: [python3, serve.py]
        variables: {DATABASE_URL: "db://127.0.0.1:${database.PORT}", PRICE: "$$5"}
        ready: http://127.0.0.1:${PORT}/health
        folder: ./app
  deployed: {address: "https://planets.example.org", isolation: none}
  composed:
    compose: compose.yaml
    service: api
    port: 8080
    isolation: none
"""


def read(text: str) -> dict[str, Environment]:
    return config.load(f"{HEAD}{text}".encode(), options={"bandit": NoOptions}).environments


def test_everything_can_be_said() -> None:
    assert read(WHOLE) == {
        "local": Environment(
            name="local",
            asked="api",
            services=(
                Service(name="database", command=("serve", "${STATE}"), ready=("ping", "${PORT}"), timeout=5.0),
                Service(
                    name="api",
                    command=("python3", "serve.py"),
                    ready="http://127.0.0.1:${PORT}/health",
                    variables={"DATABASE_URL": "db://127.0.0.1:${database.PORT}", "PRICE": "$$5"},
                    folder="app",
                ),
            ),
        ),
        "deployed": Environment(name="deployed", asked="", address="https://planets.example.org", isolation="none"),
        "composed": Environment(name="composed", asked="api", isolation="none", compose="compose.yaml", port=8080),
    }


def test_places_are_filled_once() -> None:
    assert filled("a ${PORT} $${PORT} $$$$ ${db.PORT}", {"PORT": "${db.PORT}", "db.PORT": "2"}) == (
        "a ${db.PORT} ${PORT} $$ 2"
    )


API = "  local: {services: {api: {command: [a], ready: [b]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("  - local\n", "line 4: environment: this must be a mapping"),
        ("  Local: {}\n", "line 5: environment.Local: expected `str` matching regex"),
        ("  local: []\n", "line 5: environment.local: expected `object`, got `array`"),
        ("  local: {}\n", "line 5: environment.local: an environment has either `services` or `compose`, or"),
        (f"{API}}}}}, compose: a.yaml}}\n", "line 5: environment.local: an environment has either"),
        ("  local: {services: [api]}\n", "line 5: environment.local.services: this must be a mapping"),
        ("  local: {services: {api: {command: [a]}}}\n", "line 5: environment.local.services.api: object missing"),
        (
            "  local:\n    services:\n      api: {command: [], ready: [b]}\n",
            "line 7: environment.local.services.api.com",
        ),
        (f"{API}, sleep: 20}}}}}}\n", "line 5: environment.local.services.api.sleep: unknown key; known here: command"),
        (f"{API}, timeout: 0}}}}}}\n", "line 5: environment.local.services.api.timeout: expected `float` > 0"),
        (f"{API}, folder: ../x}}}}}}\n", "line 5: environment.local.services.api.folder: '../x' leads out"),
        (f"{API}, variables: {{A: '$PORT'}}}}}}}}\n", "line 5: environment.local.services.api.variables: a single $"),
        (
            f"{API}, variables: {{A: '${{POT}}'}}}}}}}}\n",
            "line 5: environment.local.services.api.variables: unknown place",
        ),
        (f"{API}}}}}, service: web}}\n", "line 5: environment.local.service: unknown service 'web'; known: api"),
        (f"{API}}}}}, port: 80}}\n", "line 5: environment.local.port: `port` belongs to a compose file"),
        (f"{API}}}}}, isolation: lan}}\n", "line 5: environment.local.isolation: invalid enum value 'lan'"),
        (
            f"{API}}}}}, address: '${{x.PORT}}'}}\n",
            "line 5: environment.local.address: unknown place ${x.PORT}; known: P",
        ),
        ("  far: {address: 'https://x'}\n", "line 5: environment.far: what is deployed elsewhere cannot be isolated"),
        (
            "  far: {address: 'https://x', port: 1, isolation: none}\n",
            "line 5: environment.far.port: `port` means nothing",
        ),
        ("  far: {address: 'https://${x}', isolation: none}\n", "line 5: environment.far.address: unknown place ${x}"),
        ("  local: {compose: a.yaml}\n", "line 5: environment.local: a compose file needs `service` and `port`"),
        ("  local: {compose: /a, service: a, port: 1}\n", "line 5: environment.local.compose: '/a' leads out"),
        ("  local: {compose: a, service: a, port: 70000}\n", "line 5: environment.local.port: expected `int` <= 65535"),
        (
            "  local: {compose: a, service: a, port: 1, ready: '${X}'}\n",
            "line 5: environment.local.ready: unknown place",
        ),
    ],
)
def test_a_mistake_is_refused_where_it_stands(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert str(caught.value).startswith(f"hardgate.yaml: {message}"), str(caught.value)
