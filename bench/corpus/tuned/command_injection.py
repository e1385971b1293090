"""Labelled cases: operating system commands started by web code (tuned half)."""

import asyncio
import ipaddress
import os
import re
import shlex
import subprocess
from enum import Enum

from django.http import HttpResponseBadRequest, JsonResponse
from fastapi import FastAPI, Header
from flask import Flask, abort, jsonify, request
from pydantic import BaseModel

app = Flask(__name__)
api = FastAPI()


# case: command_injection-01 | bad | CWE-78 | Flask query argument concatenated into os.system
@app.route("/tools/ping")
def ping_host():
    host = request.args.get("host", "localhost")
    status = os.system("ping -c 1 " + host)
    return jsonify(reachable=status == 0)


# case: command_injection-02 | good | CWE-78 | Flask query argument as one item of a list argv
@app.route("/tools/resolve")
def resolve_host():
    host = request.args.get("host", "localhost")
    done = subprocess.run(["getent", "hosts", "--", host], capture_output=True, text=True, timeout=5, check=False)
    return jsonify(output=done.stdout)


# case: command_injection-03 | bad | CWE-78 | Flask form field in an f-string with shell=True
@app.route("/backup", methods=["POST"])
def create_backup():
    label = request.form["label"]
    command = f"tar czf /var/backups/{label}.tar.gz /srv/data"
    subprocess.run(command, shell=True, check=True)
    return jsonify(created=label)


# case: command_injection-04 | good | CWE-78 | Flask form field quoted by shlex.quote
@app.route("/search-logs", methods=["POST"])
def search_logs():
    needle = shlex.quote(request.form["needle"])
    command = f"grep -F -e {needle} /var/log/app.log | tail -n 50"
    found = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    return jsonify(lines=found.stdout.splitlines())


# case: command_injection-05 | bad | CWE-78 | Flask JSON field by percent formatting into os.popen
@app.route("/disk", methods=["POST"])
def disk_usage():
    payload = request.get_json()
    folder = payload.get("folder", "/srv")
    with os.popen("du -sh %s" % folder) as pipe:
        return jsonify(usage=pipe.read())


# case: command_injection-06 | good | CWE-78 | Flask number converted by int()
@app.route("/logs/tail")
def tail_logs():
    try:
        count = int(request.args.get("count", "20"))
    except ValueError:
        abort(400)
    output = subprocess.check_output(f"tail -n {count} /var/log/app.log | sort", shell=True, text=True)
    return jsonify(lines=output.splitlines())


# case: command_injection-07 | bad | CWE-78 | Flask argument through a helper that formats and runs
def run_tool(template, **values):
    return subprocess.check_output(template.format(**values), shell=True, text=True)


@app.route("/whois")
def whois():
    domain = request.args["domain"]
    return jsonify(record=run_tool("whois {domain}", domain=domain))


# case: command_injection-08 | good | CWE-78 | Flask action looked up in a dict of fixed commands
SERVICE_ACTIONS = {"status": "systemctl status web | head -n 5", "reload": "systemctl reload web"}


@app.route("/service/<action>", methods=["POST"])
def service_action(action):
    command = SERVICE_ACTIONS.get(action)
    if command is None:
        abort(404)
    output = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    return jsonify(output=output.stdout)


# case: command_injection-09 | bad | CWE-78 | Flask header inside sh -c, shell reached without shell=True
@app.route("/deploy", methods=["POST"])
def deploy():
    branch = request.headers.get("X-Branch", "main")
    process = subprocess.Popen(["/bin/sh", "-c", f"cd /srv/site && git pull origin {branch}"])
    return jsonify(pid=process.pid)


# case: command_injection-10 | good | CWE-78 | Django upload converted by a list argv with a fixed input path
def make_thumbnail(request, photo_id):
    width = request.POST.get("width", "")
    if not width.isdecimal() or len(width) > 4:
        return HttpResponseBadRequest("width")
    source = f"/srv/photos/{int(photo_id)}.jpg"
    subprocess.run(["convert", source, "-resize", width, f"{source}.thumb.png"], check=True, timeout=30)
    return JsonResponse({"thumbnail": f"{int(photo_id)}.jpg.thumb.png"})


# case: command_injection-11 | bad | CWE-78 | Django uploaded file name in a shell command
def import_archive(request):
    upload = request.FILES["archive"]
    target = "/srv/incoming/current"
    with open(target, "wb") as sink:
        for chunk in upload.chunks():
            sink.write(chunk)
    os.system(f"logger 'import of {upload.name}' && unzip -o {target} -d /srv/import")
    return JsonResponse({"imported": True})


# case: command_injection-12 | good | CWE-78 | Django membership test with early return
def restart_worker(request):
    queue = request.POST.get("queue")
    if queue not in ("mail", "billing", "search"):
        return HttpResponseBadRequest("queue")
    os.system("supervisorctl restart worker-" + queue)
    return JsonResponse({"restarted": queue})


# case: command_injection-13 | bad | CWE-78 | FastAPI path parameter in create_subprocess_shell
@api.get("/certificates/{domain}")
async def certificate(domain: str):
    process = await asyncio.create_subprocess_shell(
        f"openssl s_client -connect {domain}:443 </dev/null | openssl x509 -noout -dates",
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return {"dates": output.decode()}


# case: command_injection-14 | good | CWE-78 | FastAPI path parameter in create_subprocess_exec
@api.get("/packages/{name}")
async def package_info(name: str):
    process = await asyncio.create_subprocess_exec(
        "dpkg-query", "--show", "--", name, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await process.communicate()
    return {"package": output.decode()}


# case: command_injection-15 | bad | CWE-78 | FastAPI pydantic body, options gathered in a loop and joined
class Conversion(BaseModel):
    source: str
    options: list[str] = []


@api.post("/convert")
def convert_video(body: Conversion):
    parts = ["ffmpeg", "-i", "/srv/videos/input.mp4"]
    for option in body.options:
        parts.append(option)
    parts.append("/srv/videos/output.webm")
    subprocess.call(" ".join(parts), shell=True)
    return {"queued": body.source}


# case: command_injection-16 | good | CWE-78 | FastAPI Enum parameter
class Mode(str, Enum):
    quick = "quick"
    full = "full"


@api.post("/selftest/{mode}")
def self_test(mode: Mode):
    done = subprocess.run(f"/opt/app/selftest --mode {mode.value} 2>&1 | tail -n 3", shell=True, check=False)
    return {"exit": done.returncode}


# case: command_injection-17 | bad | CWE-78 | Flask, only the semicolon is removed
@app.route("/traceroute")
def traceroute():
    target = request.args.get("target", "").replace(";", "")
    output = subprocess.getoutput(f"traceroute -m 5 {target}")
    return jsonify(hops=output.splitlines())


# case: command_injection-18 | good | CWE-78 | Flask, address parsed by ipaddress and its text form used
@app.route("/arp")
def arp_entry():
    try:
        address = ipaddress.ip_address(request.args.get("address", ""))
    except ValueError:
        abort(400)
    if address.version == 6:
        abort(400)
    return jsonify(entry=subprocess.getoutput(f"arp -n {address}"))


# case: command_injection-19 | bad | CWE-78 | Flask, shlex.quote inside double quotes
@app.route("/notify", methods=["POST"])
def notify():
    message = shlex.quote(request.form.get("message", ""))
    os.system(f'notify-send "Web shop" "Note: {message}"')
    return "", 204


# case: command_injection-20 | good | CWE-78 | Flask, regular expression over the whole value
@app.route("/tags", methods=["POST"])
def create_tag():
    name = request.form.get("name", "")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
        abort(400)
    subprocess.run("cd /srv/repo && git tag " + name, shell=True, check=True)
    return jsonify(tag=name)


# case: command_injection-21 | bad | CWE-78 | FastAPI header kept in an attribute and run by a method
class ReportJob:
    def __init__(self, title):
        self.title = title
        self.output = "/srv/reports/latest.pdf"

    def render(self):
        return subprocess.Popen(f"pandoc report.md --metadata title={self.title} -o {self.output}", shell=True)


@api.post("/reports")
def render_report(x_report_title: str = Header()):
    job = ReportJob(x_report_title)
    return {"pid": job.render().pid}


# case: command_injection-22 | good | CWE-78 | Flask, command from the environment, request value not used in it
@app.route("/maintenance", methods=["POST"])
def maintenance():
    reason = request.form.get("reason", "")
    hook = os.environ.get("MAINTENANCE_HOOK", "/opt/app/maintenance.sh")
    done = subprocess.run(shlex.split(hook), input=reason, text=True, check=False)
    return jsonify(exit=done.returncode)
