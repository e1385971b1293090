"""Shell commands with request data in them, and programs started without a shell."""

import os
import re
import shlex
import subprocess

from flask import Flask, abort, request

app = Flask(__name__)
HOSTS = {"one": "10.0.0.1", "two": "10.0.0.2"}
HOST_NAME = re.compile(r"[a-z0-9.-]+")


@app.route("/ping")
def ping():
    host = request.args.get("host")
    # ruleid: python-command-injection
    os.system("ping -c 1 " + host)
    # ruleid: python-command-injection
    os.popen(f"ping -c 1 {host}").read()
    # ruleid: python-command-injection
    subprocess.run("ping -c 1 %s" % host, shell=True, check=True)
    # ruleid: python-command-injection
    subprocess.check_output("ping -c 1 " + host, stderr=subprocess.STDOUT, shell=True)
    # ruleid: python-command-injection
    subprocess.Popen(args="ping " + host, shell=True)
    # ruleid: python-command-injection
    subprocess.getoutput("ping " + host)
    # ruleid: python-command-injection
    subprocess.run(["sh", "-c", "ping " + host], check=True)
    # ruleid: python-command-injection
    subprocess.run([host, "--version"], check=True)
    # ok: python-command-injection
    subprocess.run(["ping", "-c", "1", host], check=True)
    command = ["ping", "-c", "1", "--", host]
    # ok: python-command-injection
    subprocess.run(command, check=True, capture_output=True)
    # ok: python-command-injection
    os.system("ping -c 1 " + shlex.quote(host))
    # ok: python-command-injection
    subprocess.run(f"ping -c 1 {HOSTS[host]}", shell=True, check=True)
    # ok: python-command-injection
    subprocess.run("uptime", shell=True, check=True, input=host)


@app.get("/size/<path:name>")
def size(name):
    try:
        # ruleid: python-command-injection
        return subprocess.check_output("du " + name, shell=True)
    except subprocess.CalledProcessError:
        abort(400)


@app.get("/checked")
def checked():
    host = request.args.get("host")
    if not host or not re.fullmatch(r"[a-z0-9.-]+", host):
        abort(400)
    # ok: python-command-injection
    return os.popen("ping -c 1 " + host).read()


@app.get("/compiled")
def compiled():
    host = request.args.get("host")
    if HOST_NAME.fullmatch(host) is None:
        raise ValueError(host)
    # ok: python-command-injection
    return os.popen("ping -c 1 " + host).read()


@app.get("/open-end")
def a_match_without_an_end():
    host = request.args.get("host")
    if not re.match(r"[a-z0-9.-]+", host):
        abort(400)
    # ruleid: python-command-injection
    return os.popen("ping -c 1 " + host).read()


@app.get("/denied")
def a_list_of_bad_words():
    host = request.args.get("host")
    if host in ("localhost", "127.0.0.1"):
        abort(400)
    # ruleid: python-command-injection
    return os.popen("ping -c 1 " + host).read()


def from_the_operator():
    # ok: python-command-injection
    return os.popen("ping -c 1 " + os.environ["HOST"]).read()
