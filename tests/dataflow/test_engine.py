"""dataflow's engine: flows through functions, files, classes and containers, checks on the way, what it refutes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from hardgate.dataflow import report

HEAD = """
import os, re, shlex, sqlite3, subprocess
from flask import Flask, abort, request
app = Flask(__name__)
db = sqlite3.connect("x.db")
"""


def scan(folder: Path, files: Mapping[str, str]) -> dict[str, Any]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return report.scan(folder, sorted(files))


def found(folder: Path, body: str) -> list[tuple[str, str]]:
    """The rule and the code of each line that is reported."""
    text = HEAD + dedent(body)
    lines = text.splitlines()
    return [(one["rule"], lines[one["line"] - 1].strip()) for one in scan(folder, {"app.py": text})["findings"]]


def sql(places: list[dict[str, Any]]) -> list[int]:
    """The lines of those that are about SQL."""
    return [one["line"] for one in places if one["rule"] == "python-sql-injection"]


HITS = {
    "direct": '@app.get("/a")\ndef a():\n    db.execute("SELECT " + request.args["x"])',
    "a helper gives the data": """
        def asked():
            return request.form.get("x", "")
        @app.post("/a")
        def a():
            db.execute(f"SELECT * FROM t WHERE n = '{asked()}'")
        """,
    "a helper has the sink": """
        def run(text):
            return db.execute(text)
        @app.get("/a")
        def a():
            return run("SELECT %s" % request.args["x"])
        """,
    "an attribute of an object": """
        class Query:
            def __init__(self, order):
                self.order = order
            def run(self):
                return db.execute("SELECT * FROM t ORDER BY " + self.order)
        @app.get("/a")
        def a():
            return Query(request.args["o"]).run()
        """,
    "a list that grows": """
        @app.get("/a")
        def a():
            parts = ["1 = 1"]
            for key, value in request.args.items():
                parts.append(f"{key} = '{value}'")
            db.execute("SELECT * FROM t WHERE " + " AND ".join(parts))
        """,
    "a dictionary of a class of one's own": """
        class Folded(dict):
            pass
        @app.get("/a")
        def a():
            given = Folded(request.args.items())
            db.execute("SELECT " + given["x"])
        """,
    "a check that lets it through": """
        @app.get("/a")
        def a():
            name = request.args["x"]
            if not re.match("[a-z]+", name):
                abort(400)
            db.execute("SELECT '" + name + "'")
        """,
    "a check in one branch": """
        @app.get("/a")
        def a():
            name = request.args["x"]
            if request.args.get("strict"):
                name = str(int(name))
            db.execute("SELECT " + name)
        """,
    "a recursive helper": """
        def folded(text, depth):
            return text if depth == 0 else folded(text + " ", depth - 1)
        @app.get("/a")
        def a():
            db.execute("SELECT " + folded(request.args["x"], 3))
        """,
    "a thread": """
        import threading
        @app.get("/a")
        def a():
            threading.Thread(target=db.execute, args=("SELECT " + request.args["x"],)).start()
        """,
}
CLEAN = {
    "a parameter": '@app.get("/a")\ndef a():\n    db.execute("SELECT ?", (request.args["x"],))',
    "a number": '@app.get("/a")\ndef a():\n    db.execute("SELECT " + str(int(request.args["x"])))',
    "a converter of the route": '@app.get("/a/<int:n>")\ndef a(n):\n    db.execute(f"SELECT {n}")',
    "an allow-list": """
        @app.get("/a")
        def a():
            order = request.args["o"]
            if order not in {"name", "date"}:
                abort(400)
            db.execute("SELECT * FROM t ORDER BY " + order)
        """,
    "a table of choices": """
        ORDERS = {"n": "name", "d": "date"}
        @app.get("/a")
        def a():
            db.execute("SELECT * FROM t ORDER BY " + ORDERS.get(request.args["o"], "name"))
        """,
    "a predicate of one's own": """
        def is_name(text):
            return re.fullmatch(r"[a-z_]+", text) is not None
        @app.get("/a")
        def a():
            name = request.args["x"]
            if not is_name(name):
                return "no", 400
            db.execute("SELECT " + name)
        """,
    "a validator that raises": """
        def checked(text):
            if not text.isalnum():
                raise ValueError(text)
            return text
        @app.get("/a")
        def a():
            db.execute("SELECT " + checked(request.args["x"]))
        """,
    "overwritten": '@app.get("/a")\ndef a():\n    x = request.args["x"]\n    x = "1"\n    db.execute("SELECT " + x)',
    "a branch that is never taken": """
        @app.get("/a")
        def a():
            x = request.args["x"] if 2 > 3 else "1"
            db.execute("SELECT " + x)
        """,
    "a caller nobody knows": 'def a(x):\n    db.execute("SELECT " + x)',
}


@pytest.mark.parametrize("name", HITS)
def test_what_flows_is_reported_once(name: str, tmp_path: Path) -> None:
    assert [rule for rule, _ in found(tmp_path, HITS[name])] == ["python-sql-injection"]


@pytest.mark.parametrize("name", CLEAN)
def test_what_does_no_harm_is_not_reported(name: str, tmp_path: Path) -> None:
    assert found(tmp_path, CLEAN[name]) == []


def test_a_flow_through_files_names_where_the_data_came_in(tmp_path: Path) -> None:
    files = {
        "shop/__init__.py": "",
        "shop/store.py": "class Store:\n    def find(self, text):\n        return self.db.execute('SELECT ' + text)\n",
        "shop/views.py": "from flask import Blueprint, request\nfrom .store import Store\n"
        "bp = Blueprint('a', __name__)\n@bp.get('/a')\ndef a():\n    return Store().find(request.args['x'])\n",
    }
    (one,) = scan(tmp_path, files)["findings"]
    assert (one["path"], one["line"]) == ("shop/store.py", 3)
    assert "shop/views.py:6" in one["message"]


SHELL = [
    ('subprocess.run("ls " + x, shell=True)', True),
    ('subprocess.run("ls " + shlex.quote(x), shell=True)', False),
    ('subprocess.run(f"ls \\"{shlex.quote(x)}\\"", shell=True)', True),  # within quotes, quotes end
    ('subprocess.run(["ls", x])', False),
    ('subprocess.run(["sh", "-c", "ls " + x])', True),
    ("subprocess.run(shlex.split(x))", True),
    ("subprocess.run([x])", True),
    ('os.system("ls %d" % int(x))', False),
]


@pytest.mark.parametrize(("code", "hit"), SHELL)
def test_commands(code: str, tmp_path: Path, *, hit: bool) -> None:
    body = f'@app.get("/a")\ndef a():\n    x = request.args["x"]\n    {code}\n'
    assert [rule for rule, _ in found(tmp_path, body)] == (["python-command-injection"] if hit else [])


REFUTED = [
    ('db.execute("SELECT * FROM " + "t" + " WHERE n = ?", (request.args["x"],))', True),
    ('db.execute("SELECT * FROM t LIMIT %d" % int(request.args["x"]))', True),
    ('db.execute("SELECT " + request.args["x"])', False),
    ('db.execute("SELECT " + os.environ["COLUMN"])', False),  # not looked at: not known
    ('db.execute("SELECT " + db.execute("SELECT c FROM names").fetchone())', False),  # stored before
]


@pytest.mark.parametrize(("code", "refuted"), REFUTED)
def test_what_is_refuted(code: str, tmp_path: Path, *, refuted: bool) -> None:
    text = HEAD + f'@app.get("/a")\ndef a():\n    {code}\n'
    line = text.count("\n")
    places = scan(tmp_path, {"app.py": text})["refuted"]
    covering = [
        one for one in places if one["rule"] == "python-sql-injection" and one["line"] <= line <= one["end_line"]
    ]
    assert bool(covering) is refuted


def test_nothing_is_refuted_where_the_caller_is_not_known(tmp_path: Path) -> None:
    text = HEAD + 'def a(column):\n    db.execute("SELECT " + column)\n'
    assert sql(scan(tmp_path, {"app.py": text})["refuted"]) == []


LATER = {
    "a caller nobody sees": """
        def run(text):
            db.execute("SELECT " + text)
        @app.get("/a")
        def a():
            run("1")
        """,
    "a global that another function sets": """
        column = "name"
        @app.get("/a")
        def a():
            db.execute("SELECT " + column)
        @app.post("/b")
        def b():
            global column
            column = request.form["c"]
        """,
    "an attribute that another function sets": """
        class Query:
            column = "name"
            def run(self):
                db.execute("SELECT " + self.column)
        query = Query()
        @app.get("/a")
        def a():
            query.run()
        @app.post("/b")
        def b():
            query.column = request.form["c"]
        """,
    "a list that another function fills": """
        columns = ["name"]
        @app.get("/a")
        def a():
            db.execute("SELECT " + ", ".join(columns))
        @app.post("/b")
        def b():
            columns.append(request.form["c"])
        """,
    "a variable of the function around, set later": """
        @app.get("/a")
        def a():
            column = "name"
            def run():
                db.execute("SELECT " + column)
            column = request.args["c"]
            run()
        """,
    "an attribute set by a name that is worked out": """
        class Query:
            column = "name"
        @app.get("/a")
        def a():
            db.execute("SELECT " + Query.column)
        @app.post("/b")
        def b():
            for key, value in request.form.items():
                setattr(Query, key, value)
        """,
}


@pytest.mark.parametrize("name", LATER)
def test_what_may_be_something_else_later_is_not_refuted(name: str, tmp_path: Path) -> None:
    assert sql(scan(tmp_path, {"app.py": HEAD + dedent(LATER[name])})["refuted"]) == []


def test_a_setting_that_another_file_changes_is_not_refuted(tmp_path: Path) -> None:
    files = {
        "conf.py": 'COLUMN = "name"\n',
        "a.py": HEAD + 'import conf\n@app.get("/a")\ndef a():\n    db.execute("SELECT " + conf.COLUMN)\n',
        "b.py": HEAD + 'import conf\n@app.get("/b")\ndef b():\n    conf.COLUMN = request.args["c"]\n',
    }
    assert sql(scan(tmp_path, files)["refuted"]) == []


def test_a_constant_of_the_module_or_the_class_is_refuted(tmp_path: Path) -> None:
    body = """
        TABLE = "users"
        class Query:
            column = "name"
            def run(self):
                db.execute(f"SELECT {self.column} FROM {TABLE} WHERE n = ?", (request.args["n"],))
        """
    assert sql(scan(tmp_path, {"app.py": HEAD + dedent(body)})["refuted"]) != []


def test_one_harmful_caller_is_enough(tmp_path: Path) -> None:
    body = """
        def run(text):
            db.execute("SELECT " + text)
        @app.get("/a")
        def a():
            run("1")
        @app.get("/b")
        def b():
            run(request.args["x"])
        """
    told = scan(tmp_path, {"app.py": HEAD + dedent(body)})
    assert len(told["findings"]) == 1
    assert sql(told["refuted"]) == []


def test_what_cannot_be_parsed_is_unread_and_the_rest_is_judged(tmp_path: Path) -> None:
    told = scan(tmp_path, {"a.py": "x = (\n", "b.py": HEAD, "c.py": "x = '\0'\n"})
    assert told["read"] == ["b.py"]
    assert [one["path"] for one in told["unread"]] == ["a.py", "c.py"]


def test_what_is_nested_too_deeply_is_unread(tmp_path: Path) -> None:
    told = scan(tmp_path, {"a.py": "def a():\n    return " + "-" * 60 + "1\n", "b.py": f"x = {'[' * 90}{']' * 90}\n"})
    assert set(told["read"]) | {one["path"] for one in told["unread"]} == {"a.py", "b.py"}
    deep = "def a(x):\n    return " + "+".join(["x"] * 4000) + "\n"
    told = scan(tmp_path, {"a.py": deep})
    assert told["read"] == [] or told["unread"] == []
    assert told["read"] or told["unread"]
