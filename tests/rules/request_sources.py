"""Where request data comes from, and the ways it takes within one file."""

import ipaddress
import os
import subprocess
from enum import Enum
from typing import Literal

from django.views import View
from fastapi import FastAPI, UploadFile
from flask import Flask, request
from flask.views import MethodView
from pydantic import BaseModel

from shop.schemas import JobCreate

app = Flask(__name__)
api = FastAPI()


class Methods(MethodView):
    def get(self, name, item_id):
        # ruleid: python-command-injection
        os.system("show " + name)
        # ok: python-command-injection
        os.system(f"show {item_id}")


class Pages(View):
    def get(self, request, *args, **kwargs):
        # ruleid: python-command-injection
        os.system("show " + self.kwargs["slug"])
        # ruleid: python-command-injection
        os.system("show " + self.request.headers["X-Name"])


def captured(request, slug, pk):
    # ruleid: python-command-injection
    os.system("show " + slug)
    # ok: python-command-injection
    os.system(f"show {pk}")


class Level(str, Enum):
    low = "low"


class Job(BaseModel):
    title: str
    size: int
    mode: Literal["fast", "slow"]
    level: Level


@api.post("/jobs")
async def jobs(job: Job, scan: UploadFile):
    # ruleid: python-command-injection
    os.system("show " + job.title)
    # ruleid: python-command-injection
    os.system(f"show {scan.filename}")
    # ok: python-command-injection
    os.system(f"show {job.size} {job.mode} {job.level}")


@api.post("/imported")
async def imported(body: JobCreate):
    # ruleid: python-command-injection
    os.system("show " + body.title)
    # ok: python-command-injection
    os.system(f"show {body.job_id}")


def read_name():
    return request.args.get("name", "")


def run(command):
    return subprocess.run(command, shell=True, check=True)


def fixed(name):
    if name not in {"a", "b"}:
        return "a"
    return name


class Tool:
    def __init__(self, prefix, target):
        self.prefix = prefix
        self.target = target

    def start(self):
        os.system(self.prefix + " -- " + self.target)

    def stop(self, target):
        os.system("stop " + target)


@app.route("/helpers")
def helpers():
    # todoruleid: python-command-injection
    os.system("show " + read_name())
    # todoruleid: python-command-injection
    run("show " + request.args["name"])
    # todoruleid: python-command-injection
    tool = Tool("show", request.args["name"])
    # todoruleid: python-command-injection
    tool.stop(request.args["name"])
    # ok: python-command-injection
    run("show all")
    # ok: python-command-injection
    os.system("show " + fixed(request.args["name"]))
    # ok: python-command-injection
    tool.stop("all")
    # ok: python-command-injection
    os.system(f"ping {ipaddress.ip_address(request.args['host'])}")
    # ok: python-command-injection
    os.system("show " + {"a": "all", "b": "last"}.get(request.args["name"], "all"))
    # ok: python-command-injection
    os.system("show " + Level(request.args["level"]).value)
