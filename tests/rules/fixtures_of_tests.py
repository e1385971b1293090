"""Fixtures of pytest, whose `request` is no web request, beside views whose parameters are captured from the URL."""

import shutil
from pathlib import Path

import pytest
from django.http import HttpRequest, HttpResponse


@pytest.fixture(params=["a.txt", "b.txt"])
def sample(request):
    # ok: python-path-traversal
    return open(request.param)


@pytest.fixture(params=["one", "two"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    # ok: python-path-traversal
    shutil.copytree(request.param, tmp_path / request.param)
    # ok: python-path-traversal
    (tmp_path / "x").write_text("y")
    # ok: python-path-traversal
    open(f"/srv/{request.param}")
    return tmp_path


@pytest.fixture
def copied(request, sample_path):
    # ok: python-path-traversal
    return open(sample_path / request.param)


@pytest.mark.parametrize("wide", [True, False])
def test_marked(request, sample_path, wide):
    # ok: python-path-traversal
    assert open(sample_path).read() or wide


def test_annotated(request: pytest.FixtureRequest, sample_path: Path) -> None:
    # ok: python-path-traversal
    open(sample_path)


def download(request: HttpRequest, path: str) -> HttpResponse:
    # ruleid: python-path-traversal
    return HttpResponse(open(path))


@cached
def cached_download(request, file_path):
    # ruleid: python-path-traversal
    return HttpResponse(open(file_path))
