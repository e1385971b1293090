"""The rules of rules/gitleaks.toml: what each finds and leaves alone, in one start of the real Gitleaks.

All secrets here are made up. Each text is a file of its own, so that no rule sees another's.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from hardgate.model import Report, Severity
from hardgate.scanners import gitleaks
from hardgate.scanners.gitleaks import GITLEAKS
from tests.scanners import real

TOML = tomllib.loads((real.RULES / "gitleaks.toml").read_text())
OWN = [rule["id"] for rule in TOML["rules"] if "regex" in rule]
KEY = "MIIEowIBAAKCAQEAuJ3kPz0qv7Xc9LwT2sYfRbN8mHdGjKe4" + "Vx1oQaZtU6iCyWlE"
BASE64 = "ZGVwbG95OmdyZWVuLWJvdHRsZS01"


@dataclass(frozen=True)
class Case:
    """Texts as the whole content of a file named `path`: those in which the rule finds something, and the others."""

    path: str
    hits: tuple[str, ...]
    misses: tuple[str, ...]


def armour(kind: str, block: str = "") -> str:
    return f"-----BEGIN {kind}PRIVATE {'KEY'}{block}-----\n{KEY}\n-----END {kind}PRIVATE {'KEY'}{block}-----\n"


CASES = {
    "password-in-code": Case(
        "app/db.py",
        (
            'password = "planet1"',
            "connect(user='x', passwd='tulip-7')",
            '"PASSWORD": "x-y-z!",',
            'dbPass := "g0pher"',
            'os.getenv("DB_PASSWORD", "fallback-1")',
            'PASSWORD: str = "m4rs"',
            'if password == "master-1":',
        ),
        (
            'password = form["password"]',
            'PASSWORD_FILE = "/run/secrets/db-1"',
            'password = "password"',
            'labels = {"password": "Password"}',
            'bypass = "way-2"',
            'COLOURS = {"PASS": "1;30;42"}',
            'words = ["a password",\n "other/v1"]',
            "password = f'{first}-1'",
        ),
    ),
    "passphrase-in-code": Case(
        "app/keys.py",
        ('passphrase = "orange clouds over 17 hills"', 'SECRET_KEY = "squirrel nutkin 8"'),
        ('passphrase_prompt = "Passphrase of key 1"', 'passphrase = "read from the vault"'),
    ),
    "password-in-configuration": Case(
        "etc/app.yaml",
        ("password: cobalt", 'smtp_pass: "king-fisher"', "db:\n  rootPassword: owl-1 # ours", "mail.passwd=lemonade"),
        ("password: ${DB_PASSWORD}", "password:", "passwordKey: cobalt", "password-encoder: bcrypt", "auth: password"),
    ),
    "secret-in-configuration": Case(
        "etc/app.ini",
        ("secret = 9fQ-walnut-desk", "jwt.key=yellow-66", "secret_key_base: abc123def"),
        ("secret = %(env_secret)s", "secret_name = shop/v1", "secret = shop-tls"),
    ),
    "password-in-environment": Case(
        "deploy/run.sh",
        ("PGPASSWORD=mango.42 psql", "export DB_PASS=shell-7", "docker run -e ROOT_PASSWORD=r00t image"),
        ('DB_PASSWORD="$1"', "DB_PASSWORD=$(cat /run/secrets/db1)", "OLDPWD=/srv/1", "PASSWORD_STORE=/a/1"),
    ),
    "password-as-argument": Case(
        "app/mail.py",
        (
            'server.login("postman", "p0st-box")',
            'requests.get(url, auth=("reporter", "S3ptember"))',
            'User(hash=generate_password_hash("Adm1n"))',
            'generate_password_hash("Adm1n-9", method="pbkdf2:sha256")',
            'make_password("sunflower", hasher="pbkdf2_sha256")',
        ),
        ("server.login(user, password)", 'requests.get(url, auth=("user", token))', 'login("2-step")(view)'),
    ),
    "password-on-command-line": Case(
        "deploy/backup.sh",
        (
            "mysqldump -u root -pTulip-bulbs shop",
            "sshpass -p 'shell-fish' ssh host",
            "docker login -u deploy -p dock-side registry.internal",
            "redis-cli -h cache -a red-panda ping",
            "echo 'root:top-hat' | chpasswd",
        ),
        (
            "mysql -u root -p shop",
            'mysqldump -p"$PASSWORD" shop',
            "docker login -u deploy --password-stdin host",
            "docker run -p 8080:80 image",
        ),
    ),
    "password-option": Case(
        "deploy/copy.sh",
        (
            "wget --user=web --password=h0rse-shoe https://files.internal/a",
            "kubectl create secret generic db --from-literal=password=ginger-ale",
            'add_argument("--db-password", default="l0cal")',
        ),
        ('tool --password "$PASSWORD"', "tool --password-file=/run/secrets/1", "tool --password-stdin < x1"),
    ),
    "password-in-notes": Case(
        "notes.txt",
        ("admin password: w1nd-mill", "The password is tree42."),
        ("password: ask Ann", "password: 8 characters at least", "The password is in the safe."),
    ),
    "password-in-xml": Case(
        "settings.xml",
        ("<password>maven-raven</password>", '<add key="SmtpPassword" value="door-mat" />'),
        ("<password>${env.PASSWORD}</password>", '<add key="PasswordFormat" value="Hashed" />', "<password/>"),
    ),
    "password-in-manifest": Case(
        "deployment.yaml",
        ('- name: ADMIN_PASSWORD\n  value: "kite-string"',),
        ("- name: DB_PASSWORD\n  valueFrom: {secretKeyRef: {name: x}}", "- name: PASSWORD_FILE\n  value: /run/x"),
    ),
    "terraform-variable-default": Case(
        "variables.tf",
        ('variable "db_password" {\n  type    = string\n  default = "terra-cotta"\n}',),
        ('variable "db_password" {\n  sensitive = true\n}', 'variable "region" {\n  default = "eu-west-1"\n}'),
    ),
    "signing-key-in-code": Case(
        "app/settings.py",
        ('SECRET_KEY = "e3f1-quiet-otter"', "jwt_secret = 'super-jwt-23'", '"clientSecret": "SoW1ARR4u6"'),
        ('SECRET_KEY = os.environ["KEY_1"]', 'SECRET_KEY_FILE = "/run/k1"', 'SECRET_KEY = "your-key-1"'),
    ),
    "jwt-signed-with-literal": Case(
        "app/tokens.py",
        ('jwt.encode(claims, "blue-moon", algorithm="HS256")',),
        ('jwt.encode(claims, key, algorithm="HS256")', 'jwt.decode(token, options={"verify": True})'),
    ),
    "password-in-url": Case(
        "app/urls.py",
        (
            '"postgres://shop:mango.tree@db.internal/shop"',
            '"redis://:cinnamon@cache:6379/1"',
            "mongodb+srv://shop:n0de-river@cluster.internal",
            "https://deploy:green-bottle@git.internal",
        ),
        (
            'f"postgres://{user}:{password}@{host}/shop"',
            "postgres://$USER:$PASSWORD@host/shop",
            "http://localhost:8080/@scope",
            "https://git.internal/a:b@c",
            "redis://[[username]:[password]]@localhost:6379/0",
        ),
    ),
    "password-in-connection-string": Case(
        "app/Db.cs",
        ('"Server=db;User Id=sa;Password=Gr4nite;"', '"jdbc:mysql://db/shop?user=shop&password=Troubador"'),
        ('"Server=db;Integrated Security=True"', '"Server=db;Password={0};"', "connect(user=user, password=password)"),
    ),
    "password-in-go-dsn": Case(
        "cmd/main.go",
        ('sql.Open("mysql", "shop:gopher@tcp(db:3306)/shop")',),
        ('sql.Open("mysql", "shop@tcp(db:3306)/shop")',),
    ),
    "basic-authorization": Case(
        "app/call.py",
        ('headers = {"Authorization": "Basic cmVwb3J0ZXI6U2VwdGVtYmVy"}',),
        ('headers = {"Authorization": f"Basic {value}"}', "WWW-Authenticate: Basic realm=files"),
    ),
    "netrc-password": Case(
        ".netrc",
        ("machine git.internal login deploy password green-bottle", "  password S3ptember"),
        ("# machine x login y password z-word", "machine git.internal login deploy"),
    ),
    "pgpass-password": Case(
        ".pgpass", ("db.internal:5432:shop:shop:mango.tree",), ("# hostname:port:database:username:word", "")
    ),
    "package-registry-credentials": Case(
        ".npmrc",
        ("//npm.internal/:_authToken=8f1c-77aa-40de", f"_auth={BASE64}"),
        ("//npm.internal/:_authToken=${NPM_TOKEN}", "always-auth=true"),
    ),
    "docker-registry-credentials": Case(
        ".docker/config.json",
        (f'{{"auths": {{"r.internal": {{"auth": "{BASE64}"}}}}}}',),
        ('{"auths": {"r.internal": {}}, "credsStore": "secretservice"}',),
    ),
    "password-hash": Case(
        "etc/shadow",
        (
            "root:$6$Qf7TAhpE8uu5$b2gFbR29ZT4N9KvwjCsBFPdRmcG0mPkJ57eD2t8n:19000:0:99999:7:::",
            "admin:$apr1$x9TzR2bQ$hZ5e0c3bV7yq1mKfN8wLr/",
            "dev:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        ),
        ("daemon:*:19000:0:99999:7:::", "sshd:!:19000::::::", "root:x:0:0:root:/root:/bin/sh"),
    ),
    "sql-account-password": Case(
        "db/roles.sql",
        (
            "CREATE USER reporter WITH PASSWORD 'daily-news';",
            "ALTER USER sa WITH PASSWORD = 'sql-server';",
            "CREATE USER 'web'@'%' IDENTIFIED BY 'web-worker';",
        ),
        ("CREATE USER viewer WITH PASSWORD :'viewer';", "CREATE ROLE reader LOGIN;", "ALTER USER x IDENTIFIED BY ?"),
    ),
    "sql-dump-password": Case(
        "db/dump.sql",
        (
            "INSERT INTO users (id, password) VALUES (1, 'sunny-day');",
            "INSERT INTO users VALUES (2, 'b', '$2b$12$7Dd61RoSHqZlBkU0WttqpkRz');",
            "COPY users (id, crypted_password) FROM stdin;",
        ),
        (
            "INSERT INTO products (id, name) VALUES (1, 'Password book');",
            "INSERT INTO users (id, password) VALUES (?, ?);",
            "INSERT INTO users (id, password) VALUES (%s, '%s')",
        ),
    ),
    "private-key-putty": Case(
        "deploy/key.ppk", ("PuTTY-User-" + "Key-File-3: ssh-rsa\nEncryption: none",), ("a PuTTY-User-Key-File is read",)
    ),
    "private-key-ssh2": Case(
        "deploy/key",
        (f"---- BEGIN SSH2 ENCRYPTED PRIVATE {'KEY'} ----\n{KEY}\n---- END SSH2 ENCRYPTED PRIVATE {'KEY'} ----",),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----",),
    ),
    "private-key": Case(
        "deploy/key.pem",
        (
            *(armour(kind) for kind in ("RSA ", "EC ", "", "ENCRYPTED ", "OPENSSH ")),
            armour("PGP ", " BLOCK"),
            f'KEY = "{armour("")}"'.replace("\n", "\\n"),
        ),
        (
            'BEGIN = "-----BEGIN PRIVATE KEY-----"\nEND = "-----END"\n' + "# words\n" * 20 + "KEY-----",
            'f"-----BEGIN PRIVATE KEY-----\\n{text}\\n-----END PRIVATE KEY-----"' + " " * 60 + "KEY-----",
            f"-----BEGIN PUBLIC KEY-----\n{KEY}\n-----END PUBLIC KEY-----\n",
        ),
    ),
}  # fmt: skip

# Each list of the allowlists at the end of gitleaks.toml: what it is for, and the same with a real value.
LISTS = {
    "references": (
        ("a.env", "DB_PASSWORD=${DB_PASS1}"),
        ("a.env", "DB_PASSWORD=$DB_PASS1"),
        ("a.yaml", "password: {{ vault_1 }}"),
        ("a.yaml", "password: <%= ENV['X1'] %>"),
        ("a.ini", "password = @db.pass1@"),
        ("a.yaml", "password: arn:aws:ssm:eu-west-1:1:x"),
        ("a.tfvars", 'db_password = var.pass1'),
    ),
    "placeholders": (
        ("a.env", "DB_PASSWORD=changeme1"),
        ("a.env", "DB_PASSWORD=<password>"),
        ("a.env", "DB_PASSWORD=xxxxxxxx"),
        ("a.env", "DB_PASSWORD=********"),
        ("a.env", "DB_PASSWORD=your_password_1"),
        ("a.py", 'password = "example-1"'),
        ("a.py", 'password = "lorem-ipsum-1"'),
        ("a.env", "DB_PASSWORD=replace-me-1"),
    ),
    "words": (
        ("a.yaml", "password: prompt"),
        ("a.yaml", "password: true"),
        ("a.py", 'field(password="user_password1")'),
        ("a.ini", 'password = get_password(1)'),
        ("a.py", 'PASSWORD_CHARS, password = "", "!@#$%"'),
        ("a.py", 'generate_password_hash(password, method="pbkdf2:sha256:600000")'),
        ("a.py", '{"hash_secret", "pbkdf2_hmac", "hash_password", "Argon2id", "set_password", "scrypt:32768:8:1"}'),
    ),
    "documented pairs": (
        ("a.py", '"postgresql://scott:t1ger@localhost/test"'),
        ("a.py", '"http://user:pa1ss@proxy.internal"'),
        ("a.py", '"amqp://guest:guest@localhost//"'),
        ("a.py", '"https://ann:s3cret@api.example.com/"'),
    ),
    "the values of RFC 7617": (("a.py", '{"Authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}'),),
    "tests and their data": (
        ("tests/test_login.py", 'login(password="correct-1")'),
        ("spec/login_spec.rb", 'password: "correct-1"'),
        ("src/fixtures/a.yaml", "password: correct-1"),
        ("app_test.go", 'password := "correct-1"'),
    ),
    "manuals and examples": (
        ("docs/start.rst", 'password = "correct-1"'),
        ("examples/demo.py", 'password = "correct-1"'),
        ("README.md", 'password = "correct-1"'),
    ),
    "templates": ((".env.example", "DB_PASSWORD=correct-1"), ("settings.template.py", 'password = "correct-1"')),
}  # fmt: skip
FOUND_ALL_THE_SAME = {
    "a cloud's key in a test": ("tests/aws.py", f'KEY = "{gitleaks._MADE_UP}"'),
    "a password like an algorithm": ("a.py", 'password = "md5:tulip-7"'),
    "an address in a manual": ("docs/run.md", "psql postgres://shop:mango.tree@db.internal/shop"),
}


def _name(kind: str, key: str, number: int, path: str) -> str:
    return f"{kind}/{key.replace(' ', '-')}/{number}/{path}"


def _files() -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for rule, case in CASES.items():
        for kind, texts in (("hit", case.hits), ("miss", case.misses)):
            files |= {_name(kind, rule, number, case.path): f"{text}\n" for number, text in enumerate(texts)}
    for name, cases in LISTS.items():
        files |= {_name("list", name, number, path): f"{text}\n" for number, (path, text) in enumerate(cases)}
    return files | {_name("same", name, 0, path): f"{text}\n" for name, (path, text) in FOUND_ALL_THE_SAME.items()}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Report:
    tree = real.write(tmp_path_factory.mktemp("tree"), _files())
    return real.scan(GITLEAKS, tree, tmp_path_factory.mktemp("scratch"), mode="tree")


def rules_in(report: Report, path: str) -> set[str]:
    return {one.rule for one in report.findings if one.location.path == path}


@pytest.mark.real
@pytest.mark.parametrize("rule", CASES)
def test_each_rule_finds_what_it_is_for(scanned: Report, rule: str) -> None:
    case = CASES[rule]
    missed = [
        text for number, text in enumerate(case.hits) if not rules_in(scanned, _name("hit", rule, number, case.path))
    ]
    assert missed == []
    assert rule in set().union(*(rules_in(scanned, _name("hit", rule, n, case.path)) for n in range(len(case.hits))))


@pytest.mark.real
@pytest.mark.parametrize("rule", CASES)
def test_each_rule_leaves_the_rest_alone(scanned: Report, rule: str) -> None:
    case = CASES[rule]
    found = {
        text: rules for number, text in enumerate(case.misses)
        if (rules := rules_in(scanned, _name("miss", rule, number, case.path)))
    }  # fmt: skip
    assert found == {}


@pytest.mark.real
@pytest.mark.parametrize("name", LISTS)
def test_each_list_keeps_quiet_what_it_is_for(scanned: Report, name: str) -> None:
    found = {
        text: rules for number, (path, text) in enumerate(LISTS[name])
        if (rules := rules_in(scanned, _name("list", name, number, path)))
    }  # fmt: skip
    assert found == {}


@pytest.mark.real
@pytest.mark.parametrize("name", FOUND_ALL_THE_SAME)
def test_what_no_list_keeps_quiet(scanned: Report, name: str) -> None:
    assert rules_in(scanned, _name("same", name, 0, FOUND_ALL_THE_SAME[name][0]))


@pytest.mark.real
def test_a_made_up_secret_of_a_manual_is_low_and_a_vendors_key_is_not(scanned: Report) -> None:
    rated = {one.location.path.split("/")[1]: one for one in scanned.findings if one.location.path.startswith("same/")}
    assert rated["a-cloud's-key-in-a-test"].severity is Severity.CRITICAL
    assert rated["an-address-in-a-manual"].severity is Severity.LOW
    assert rated["an-address-in-a-manual"].message.startswith("In a test, a manual or an example")


@pytest.mark.real
def test_one_stretch_of_text_is_one_finding(scanned: Report) -> None:
    places = [(one.location.path, one.location.line) for one in scanned.findings]
    assert len(places) == len(set(places))


def test_each_rule_and_each_list_has_its_cases() -> None:
    assert set(CASES) == {*OWN, "private-key"}
    described = [one["description"] for one in TOML["allowlists"]]
    assert [next(name for name in LISTS if text.startswith(name)) for text in described] == list(LISTS)
    assert all(case.hits and case.misses for case in CASES.values())


def test_each_rule_is_rated_and_no_list_names_a_rule_that_is_not_there() -> None:
    assert set(gitleaks._OWN) == set(OWN)
    assert len(OWN) == len(set(OWN))
    named = {name for one in TOML["allowlists"] for name in one["targetRules"]}
    assert named - set(OWN) <= {"curl-auth-user"}


def test_the_page_lists_every_rule_as_it_is_rated() -> None:
    page = Path(real.ROOT / "docs" / "scanners" / "gitleaks.md").read_text()
    for rule, (severity, weakness) in gitleaks._OWN.items():
        assert f"\n| `{rule}` | {severity} | {weakness} |" in page
