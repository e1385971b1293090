"""What the to-do list promises, asked through its own client."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from todo import create_app
from todo.tasks import LONGEST, MOST, Tasks


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """A client over an empty database."""
    return create_app(str(tmp_path / "todo.db")).test_client()


def test_a_task_is_added_done_and_removed(client: FlaskClient) -> None:
    """The life of a task."""
    added = client.post("/api/tasks", json={"title": " water the plants "})
    task = {"id": 1, "title": "water the plants", "done": False}
    assert (added.status_code, added.json) == (201, task)
    done = client.patch("/api/tasks/1", json={"done": True})
    assert done.json == {**task, "done": True}
    assert client.get("/api/tasks").json == [{**task, "done": True}]
    assert client.delete("/api/tasks/1").status_code == 204
    assert client.get("/api/tasks").json == []


@pytest.mark.parametrize("title", ["", "  ", None, 7, ["x"], "x" * (LONGEST + 1)])
def test_what_is_no_title_is_refused(client: FlaskClient, title: object) -> None:
    """A title is a text of a certain length."""
    answer = client.post("/api/tasks", json={"title": title})
    assert answer.status_code == 400
    assert "title" in answer.json["message"]


def test_words_of_sql_and_html_are_words(client: FlaskClient) -> None:
    """They are stored as they are, and nothing comes of them."""
    title = "'); DROP TABLE tasks; -- <script>alert(1)</script>"
    client.post("/api/tasks", json={"title": title})
    assert [task["title"] for task in client.get("/api/tasks").json] == [title]


def test_a_form_of_another_site_changes_nothing(client: FlaskClient) -> None:
    """It cannot send JSON without asking first."""
    assert client.post("/api/tasks", data={"title": "x"}).status_code == 415
    answer = client.post("/api/tasks", data='{"title": "x"}', content_type="text/plain")
    assert answer.status_code == 415
    assert client.get("/health").json == {"tasks": 0}


@pytest.mark.parametrize("body", [[], {"done": 1}, {}])
def test_a_change_that_says_nothing_is_refused(
    client: FlaskClient, body: object
) -> None:
    """`done` is true or false."""
    client.post("/api/tasks", json={"title": "x"})
    assert client.patch("/api/tasks/1", json=body).status_code == 400


def test_a_task_that_is_not_there(client: FlaskClient) -> None:
    """It can be neither changed nor removed."""
    assert client.patch("/api/tasks/9", json={"done": True}).status_code == 404
    assert client.delete("/api/tasks/9").status_code == 404
    assert client.get("/api/tasks/x").status_code == 404


def test_there_is_an_end(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody fills the disk."""
    monkeypatch.setattr(Tasks, "count", lambda _self: MOST)
    assert client.post("/api/tasks", json={"title": "x"}).status_code == 409


def test_the_page_has_no_code_of_others(client: FlaskClient) -> None:
    """The browser is told to run nothing but ours."""
    answer = client.get("/")
    assert b"<title>To do</title>" in answer.data
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_tasks_outlive_the_process(tmp_path: Path) -> None:
    """They are in the file."""
    Tasks(tmp_path / "todo.db").add("x")
    assert [task.title for task in Tasks(tmp_path / "todo.db").all()] == ["x"]
