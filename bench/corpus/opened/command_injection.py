"""Labelled cases: operating system commands started by web code (opened part)."""

import asyncio
import os
import re
import shlex
import subprocess
import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import PIPE, Popen, getstatusoutput
from typing import Annotated, Literal

import paramiko
from celery import shared_task
from django import forms
from django.http import JsonResponse
from django.views import View
from fastapi import APIRouter, Body, Request
from flask import Blueprint, jsonify, request
from flask.views import MethodView
from invoke import Context
from pydantic import BaseModel, Field

bp = Blueprint("ops", __name__)
router = APIRouter()
shell = partial(subprocess.run, shell=True, capture_output=True, text=True, check=False)


def remote():
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.connect("files.example.org", username="ops")
    return client


# case: command_injection-23 | bad | CWE-78 | Flask MethodView, rest of the path read by os.popen
class ChecksumView(MethodView):
    def get(self, name):
        line = os.popen("sha256sum /srv/releases/{}".format(name)).readline()
        return jsonify(digest=line.partition(" ")[0])


bp.add_url_rule("/checksums/<path:name>", view_func=ChecksumView.as_view("checksums"))


# case: command_injection-24 | good | CWE-78 | Flask int converter in the route
@bp.get("/jobs/<int:number>/log")
def job_log(number):
    done = shell(f"journalctl -u job-{number} | tail -n 100")
    return jsonify(log=done.stdout)


# case: command_injection-25 | bad | CWE-78 | Flask, remote command over paramiko from a form field
@bp.post("/remote/archive")
def archive_remote():
    folder = request.form.get("folder", type=str)
    with remote() as client:
        _, out, _ = client.exec_command(f"tar cf - /exports/{folder} | gzip > /exports/latest.tgz && echo done")
        return jsonify(answer=out.read().decode())


# case: command_injection-26 | good | CWE-78 | Flask, remote command over paramiko joined by shlex.join
@bp.post("/remote/search")
def search_remote():
    word = request.form.get("word", "")
    with remote() as client:
        _, out, _ = client.exec_command(shlex.join(["grep", "-rlF", "-e", word, "/exports/public"]) + " | head -n 40")
        return jsonify(answer=out.read().decode())


# case: command_injection-27 | bad | CWE-78 | Django class-based view, match statement with an open default
class PowerView(View):
    def post(self, request):
        match request.POST.get("unit"):
            case "lamp" | "fan" as unit:
                command = f"gpioctl on {unit}"
            case other:
                command = f"gpioctl on custom:{other}"
        status, output = getstatusoutput(command)
        return JsonResponse({"status": status, "output": output})


# case: command_injection-28 | good | CWE-78 | Django class-based view, IntegerField of a form
class PortForm(forms.Form):
    port = forms.IntegerField(min_value=1, max_value=65535)


class PortView(View):
    def post(self, request):
        form = PortForm(request.POST)
        if not form.is_valid():
            return JsonResponse(form.errors, status=400)
        status, output = getstatusoutput("ss -ltn | grep ':%d '" % form.cleaned_data["port"])
        return JsonResponse({"status": status, "output": output})


# case: command_injection-29 | bad | CWE-78 | FastAPI raw query parameter through a partial of subprocess.run
@router.get("/dns")
def dns(req: Request):
    record, zone = req.query_params.get("type", "A"), req.query_params.get("zone", "example.org")
    arguments = ["dig", "+short", record, zone]
    answer = shell(" ".join(arguments))
    return {"answer": answer.stdout.split()}


# case: command_injection-30 | good | CWE-78 | FastAPI pydantic field with a pattern
class Branch(BaseModel):
    name: Annotated[str, Field(pattern=r"^[a-z0-9]{1,40}$")]


@router.post("/previews")
def build_preview(branch: Branch):
    done = shell(f"cd /srv/preview && make preview BRANCH={branch.name} 2>&1 | tail -n 5")
    return {"exit": done.returncode}


# case: command_injection-31 | bad | CWE-78 | Flask, list argv, but ssh hands the last item to a remote shell
@bp.delete("/snapshots/<name>")
def drop_snapshot(name):
    argv = ["ssh", "-o", "BatchMode=yes", "backup@nas.example.org", "zfs destroy tank/web@" + name]
    return jsonify(exit=subprocess.call(argv))


# case: command_injection-32 | good | CWE-78 | Flask, value passed in the environment of a fixed script
@bp.post("/notes")
def add_note():
    env = {"PATH": "/usr/bin:/bin", "NOTE": request.form.get("note", "")}
    subprocess.run('printf "%s\\n" "$NOTE" >> /var/lib/ops/notes.txt', shell=True, env=env, check=True)
    return "", 204


# case: command_injection-33 | bad | CWE-78 | Flask, the request names the program and its arguments, no shell
@bp.post("/versions")
def versions():
    report = {}
    for step in request.get_json().get("steps", []):
        process = Popen([step["tool"], *step.get("arguments", ["--version"])], stdout=PIPE, text=True)
        report[step["tool"]] = process.communicate(timeout=10)[0]
    return jsonify(report)


# case: command_injection-34 | good | CWE-78 | Flask, programs filtered by a set before they are started
KNOWN_TOOLS = {"git": "/usr/bin/git", "tar": "/usr/bin/tar", "curl": "/usr/bin/curl"}


@bp.post("/versions/known")
def known_versions():
    wanted = set(request.get_json().get("tools", []))
    report = {}
    for name, program in KNOWN_TOOLS.items():
        if name in wanted:
            report[name] = subprocess.check_output([program, "--version"], text=True, timeout=10)
    return jsonify(report)


# case: command_injection-35 | bad | CWE-78 | Django, file name checked only for its ending
def rotate_image(request):
    name = request.FILES["image"].name
    if not name.lower().endswith((".png", ".jpg")):
        return JsonResponse({"error": "type"}, status=400)
    status = os.system(f"mogrify -rotate 90 /srv/images/{name}")
    return JsonResponse({"status": status})


# case: command_injection-36 | good | CWE-78 | Django, stored under a fresh name with a known ending
ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg"}


def store_image(request):
    upload = request.FILES["image"]
    ending = ENDINGS.get(upload.content_type)
    if ending is None:
        return JsonResponse({"error": "type"}, status=400)
    target = f"/srv/images/{uuid.uuid4().hex}{ending}"
    Path(target).write_bytes(upload.read())
    os.system(f"mogrify -strip {target}")
    return JsonResponse({"stored": True})


# case: command_injection-37 | bad | CWE-78 | Flask, whole command line split by shlex.split
@bp.post("/console")
def console():
    line = request.form["line"]
    done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=30, check=False)
    return jsonify(out=done.stdout, err=done.stderr)


# case: command_injection-38 | good | CWE-78 | Flask, methods named system and popen of a register, no command
class PlanetRegister:
    systems = {"sol": ["earth", "mars"], "vega": []}

    def system(self, name):
        return self.systems.get(name, [])

    def popen(self, name):
        return self.systems.pop(name, None)


@bp.get("/planets")
def planets():
    register = PlanetRegister()
    return jsonify(register.system(request.args.get("star", "sol")))


# case: command_injection-39 | bad | CWE-78 | Flask background task, value checked by an unanchored expression
@shared_task
def fetch_mirror(address):
    if re.search(r"[\w.-]+\.example\.org", address):
        os.system("rsync -a rsync://" + address + "/pool/ /srv/mirror/")


@bp.post("/mirror")
def start_mirror():
    fetch_mirror.delay(request.json["address"])
    return "", 202


# case: command_injection-40 | good | CWE-78 | FastAPI, Literal and bool choose constant flags
@router.post("/index")
async def rebuild_index(kind: Literal["full", "delta"] = "delta", verbose: bool = False):
    flag = "-v" if verbose else "-q"
    process = await asyncio.create_subprocess_shell(f"/opt/search/index {flag} --kind={kind} >> /var/log/index.log")
    return {"exit": await process.wait()}


# case: command_injection-41 | bad | CWE-78 | FastAPI, os.system handed to an executor with body data
@router.post("/labels")
async def print_labels(texts: Annotated[list[str], Body()]):
    loop = asyncio.get_running_loop()
    codes = [await loop.run_in_executor(None, os.system, f"echo '{label}' | lp -d labels") for label in texts]
    return {"printed": codes.count(0)}


# case: command_injection-42 | good | CWE-78 | FastAPI, list of texts goes to standard input
@router.post("/receipts")
async def print_receipts(texts: Annotated[list[str], Body()]):
    process = await asyncio.create_subprocess_shell("iconv -t CP858 | lp -d receipts", stdin=asyncio.subprocess.PIPE)
    await process.communicate("\n".join(texts).encode())
    return {"exit": process.returncode}


# case: command_injection-43 | bad | CWE-78 | Flask, dataclass property builds the line for invoke
@dataclass
class Release:
    version: str
    target: str = "staging"

    @property
    def command(self):
        return f"./release.sh --to {self.target} --version {self.version}"


@bp.post("/releases")
def release():
    plan = Release(**{key: value for key, value in request.form.items() if key in ("version", "target")})
    return jsonify(ok=Context().run(plan.command, warn=True).ok)


# case: command_injection-44 | good | CWE-78 | Flask, dataclass whose fields are converted on the way in
@dataclass
class Rollback:
    steps: int
    target: str = "staging"

    def __post_init__(self):
        self.steps = int(self.steps)
        self.target = {"live": "production"}.get(self.target, "staging")


@bp.post("/rollbacks")
def rollback():
    plan = Rollback(request.form.get("steps", "1"), request.form.get("target", ""))
    return jsonify(ok=Context().run(f"./rollback.sh --to {plan.target} --steps {plan.steps}", warn=True).ok)
