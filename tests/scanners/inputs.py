"""What the samples were captured from: small known-bad files, the same in every run.

No secret here is anyone's: all are made up, and put together from parts so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import json
from pathlib import Path

from hardgate import tools

AWS_KEY = "AK" + "IA" + "Z7Q4MXW2LKJ3HTRV"
GENERIC = "c2f8e1b7d94a4c0f" + "a6b35de8f7a1029d"
_BODY = "MIIEowIBAAKCAQEAuJ3kPz0qv7Xc9LwT2sYfRbN8mHdGjKe4" + "Vx1oQaZtU6iCyWlE"
PRIVATE_KEY = f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{_BODY}\n{_BODY}\n-----END RSA {'PRIVATE'} KEY-----\n"

SECRETS: dict[str, str | bytes] = {
    "src/settings.py": f'DEBUG = False\nAWS_ACCESS_KEY_ID = "{AWS_KEY}"\n',
    "src/allowed.py": f'AWS_ACCESS_KEY_ID = "{AWS_KEY}"  # gitleaks:allow\n',
    "a folder/client.ini": f"[client]\napi_key = {GENERIC}\n",
    "deploy/id_rsa": PRIVATE_KEY,
    "README.md": "Nothing to see here.\n",
}

PYTHON: dict[str, str | bytes] = {
    "shop/app.py": (
        "import hashlib\n"
        "import pickle\n"
        "import subprocess\n"
        "\n"
        'password = "tulips-1"\n'
        "\n"
        "\n"
        'def order(db, name, password="tulips-2"):\n'
        "    db.login(password='tulips-3')\n"
        "    db.execute(\"SELECT * FROM orders WHERE name = '%s'\" % name)\n"
        "    subprocess.call(name, shell=True)  # nosec\n"
        '    subprocess.call("ls", shell=True)  # noqa\n'
        "    digest = hashlib.md5(name)\n"
        "    return pickle.loads(digest)\n"
    ),
    "shop/tests/test_app.py": "import os\n\nos.chmod('a', 0o610)\nos.chmod('b', 0o777)\n",
    "shop/.tox/hidden.py": "eval(input())\n",
    "shop/clean.py": "VALUE = 1\n",
    "shop/broken.py": "def order(:\n    eval(input())\n",
    "shop/latin.py": b"NAME = '\xe9'\neval(input())\n",
}

NOTEBOOK: dict[str, str | bytes] = {
    "notes.ipynb": json.dumps(
        {
            "cells": [
                {"cell_type": "markdown", "metadata": {}, "source": ["# Notes\n"]},
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "metadata": {},
                    "outputs": [],
                    "source": ["x = 1\n", "eval(input())\n"],
                },
            ],
            "metadata": {"language_info": {"name": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )
}

FLASK: dict[str, str | bytes] = {
    "web/views.py": (
        "import os\n"
        "\n"
        "from flask import Flask, request\n"
        "\n"
        "app = Flask(__name__)\n"
        "\n"
        "\n"
        '@app.route("/run")\n'
        "def run():\n"
        '    eval(request.args["code"])  # nosemgrep\n'
        '    os.system("ping " + request.args["host"])\n'
        '    return "done"\n'
    ),
    "web/tests/test_views.py": "from flask import request\n\neval(request.args['code'])\n",
    "web/node_modules/odd.py": "from flask import request\n\neval(request.args['code'])\n",
    "web/clean.py": "VALUE = 1\n",
    "web/broken.py": "import flask\n\nclass Order:\n  def total(self:\n    eval(flask.request.args['x'])\n\nx = = 2\n",
}

FLOW: dict[str, str | bytes] = {
    "shop/storage.py": (
        "import sqlite3\n"
        "\n"
        "\n"
        "class Orders:\n"
        "    def __init__(self, path):\n"
        "        self.connection = sqlite3.connect(path)\n"
        "\n"
        "    def sorted_by(self, column):\n"
        '        return self.connection.execute("SELECT * FROM orders ORDER BY " + column).fetchall()\n'
        "\n"
        "    def of(self, name):\n"
        '        return self.connection.execute("SELECT * FROM orders WHERE name = ?", (name,)).fetchall()\n'
    ),
    "shop/views.py": (
        "from flask import Blueprint, request\n"
        "\n"
        "from shop.storage import Orders\n"
        "\n"
        'pages = Blueprint("pages", __name__)\n'
        'COLUMNS = {"date", "total"}\n'
        "\n"
        "\n"
        "def wanted():\n"
        '    return request.args.get("sort", "date")\n'
        "\n"
        "\n"
        '@pages.get("/orders")\n'
        "def orders():\n"
        '    return {"orders": Orders("shop.db").sorted_by(wanted())}\n'
    ),
    "shop/checked.py": (
        "from flask import Blueprint, abort, request\n"
        "\n"
        "from shop.storage import Orders\n"
        "\n"
        'checked = Blueprint("checked", __name__)\n'
        'COLUMNS = {"date", "total"}\n'
        "\n"
        "\n"
        '@checked.get("/orders")\n'
        "def orders():\n"
        '    column = request.args.get("sort", "date")\n'
        "    if column not in COLUMNS:\n"
        "        abort(400)\n"
        '    return {"orders": Orders("shop.db").of(request.args["name"])}\n'
    ),
}

DOCKERFILES: dict[str, str | bytes] = {
    "app/Dockerfile": (
        "FROM python\n"
        "MAINTAINER somebody\n"
        "# hadolint ignore=DL3008,DL3009\n"
        "RUN apt-get update && apt-get install -y curl && curl $ADDRESS | sh\n"
        "RUN sudo ls\n"
        "USER root\n"
        "ENTRYPOINT serve\n"
    ),
    "other/web.Dockerfile": "FROM registry.example/base:1\nUSER 1000\n",
    "other/Containerfile": "FROM docker.io/library/debian:12\nUSER 1000\n",
    "broken/Dockerfile": "FROM docker.io/library/debian:12\nRUNN ls\nUSER root\n",
}

WORKFLOWS: dict[str, str | bytes] = {
    ".github/workflows/ci.yml": (
        "name: ci\n"
        "on: pull_request_target\n"
        "jobs:\n"
        "  build:\n"
        "    runs-on: ubuntu-latest\n"
        "    steps:\n"
        "      - uses: actions/checkout@v4 # zizmor: ignore[unpinned-uses]\n"
        '      - run: echo "${{ github.event.pull_request.title }}"\n'
    ),
    "tools/setup/action.yml": (
        "name: setup\n"
        "description: sets up\n"
        "inputs:\n"
        "  version:\n"
        "    description: a version\n"
        "runs:\n"
        "  using: composite\n"
        "  steps:\n"
        '    - run: echo "${{ inputs.version }}"\n'
        "      shell: bash\n"
    ),
}

TEMPLATES: dict[str, str | bytes] = {
    "stacks/database.yaml": (
        'AWSTemplateFormatVersion: "2010-09-09"\n'
        "Metadata:\n"
        "  cfn-lint: {config: {ignore_checks: [W2501, E], regions: [nowhere]}}\n"
        "Resources:\n"
        "  Database:\n"
        "    Type: AWS::RDS::DBInstance\n"
        "    Metadata: {cfn-lint: {config: {ignore_checks: [E3002, W2501]}}}\n"
        "    Properties:\n"
        "      DBInstanceClass: db.t3.micro\n"
        "      Engine: mysql\n"
        '      AllocatedStorage: "20"\n'
        "      MasterUsername: shop\n"
        "      MasterUserPassword: open-sesame-42\n"
        "      StorageEncryptd: true\n"
        "  Replica:\n"
        "    Type: AWS::RDS::DBInstance\n"
        "    Properties:\n"
        "      DBInstanceClass: db.t3.micro\n"
        "      MasterUserPassword: [open-sesame-43]\n"
    ),
    "stacks/function.template": (
        '{"Resources": {"Function": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "a.b",\n'
        '  "Runtime": "python3.7", "Role": "arn:aws:iam::123456789012:role/shop",\n'
        '  "Code": {"ZipFile": "def b(): pass"}}}}}\n'
    ),
    "stacks/serverless.yaml": (
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n"
        "  Function:\n"
        "    Type: AWS::Serverless::Function\n"
        "    Properties: {Handler: a.b, Runtime: python3.13, InlineCode: x, Bogus: 1}\n"
    ),
    "stacks/[odd] name.yml": "Resources: {Topic: {Type: 'AWS::SNS::Topc'}}\n",
    "stacks/broken.yaml": "Resources:\n  Topic: {Type: AWS::SNS::Topic\n",
    "stacks/numbers.cfn.yaml": "Resources: 5\n",
    "stacks/clean.yaml": "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n",
}


def git(folder: Path, *words: str, when: str = "2026-01-02T03:04:05+0000") -> None:
    """Run git in `folder`, with a fixed name and a fixed time, so that commits have the same ids everywhere."""
    who = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    argv = ("git", "-c", "user.name=tester", "-c", "user.email=tester@example.invalid", *words)
    done = tools.run(argv, cwd=folder, env=tools.environment(folder, extra=who), timeout=60)
    assert done.exit_code == 0, done.stderr.decode()


def repository(folder: Path) -> Path:
    """A bare repository in whose history a key came and went, in two folders; the tree of its head is clean."""
    work = folder / "work"
    work.mkdir(parents=True)
    git(work, "init", "-q", "-b", "main")
    for name in ("a folder/old.py", "other/old.py"):
        path = work / name
        path.parent.mkdir()
        path.write_text(f'KEY = "{AWS_KEY}"\n')
    git(work, "add", ".")
    git(work, "commit", "-qm", "with a key")
    for name in ("a folder/old.py", "other/old.py"):
        (work / name).write_text("KEY = None\n")
    (work / ".gitattributes").write_text("*.py -diff\n")
    git(work, "add", ".")
    git(work, "commit", "-qm", "without", when="2026-01-03T03:04:05+0000")
    git(folder, "clone", "-q", "--mirror", str(work), "bare.git")
    return folder / "bare.git"
