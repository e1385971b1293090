import asyncio
import enum
import ipaddress
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Literal

import paramiko
from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.http import FileResponse, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.views import View
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Query
from flask import Flask, Response, abort, current_app, jsonify, request
from invoke import Context
from pydantic import BaseModel, Field

app = Flask(__name__)
api = FastAPI()

MEDIA_DIR = Path("/srv/media")
REPO_DIR = Path("/srv/repos")


# case: command_injection-101 | bad | CWE-78 | os.system with an f-string
@app.route("/tools/ping")
def ping_host():
    host = request.args.get("host", "localhost")
    status = os.system(f"ping -c 1 {host}")
    return jsonify(reachable=status == 0)


# case: command_injection-102 | good | CWE-78 | argument list and validated address
@app.route("/tools/trace")
def trace_host():
    try:
        address = ipaddress.IPv4Address(request.args.get("address", ""))
    except ValueError:
        abort(400)
    done = subprocess.run(["traceroute", "-n", str(address)], capture_output=True, text=True, timeout=60)
    return Response(done.stdout, mimetype="text/plain")


# case: command_injection-103 | bad | CWE-78 | check_output through the shell
@app.route("/repos/<name>/log")
def repo_log(name):
    branch = request.args.get("branch", "main")
    cmd = "git --git-dir=/srv/repos/app.git log --oneline -n 20 " + branch
    out = subprocess.check_output(cmd, shell=True, text=True)
    return jsonify(repo=name, commits=out.splitlines())


# case: command_injection-104 | good | CWE-78 | action looked up in a dict of argument lists
SERVICE_ACTIONS = {
    "status": ["systemctl", "status", "worker.service"],
    "restart": ["systemctl", "restart", "worker.service"],
    "reload": ["systemctl", "reload", "worker.service"],
}


@app.route("/admin/worker/<action>", methods=["POST"])
def worker_action(action):
    argv = SERVICE_ACTIONS.get(action)
    if argv is None:
        abort(404)
    done = subprocess.run(argv, capture_output=True, text=True)
    return jsonify(code=done.returncode, output=done.stdout)


# case: command_injection-105 | good | CWE-78 | content goes in by standard input
@app.route("/render/dot", methods=["POST"])
def render_dot():
    source = request.get_data()
    done = subprocess.run(["dot", "-Tsvg"], input=source, capture_output=True, timeout=10)
    if done.returncode:
        abort(422)
    return Response(done.stdout, mimetype="image/svg+xml")


# case: command_injection-106 | bad | CWE-78 | os.popen in a Django view
@staff_member_required
def tail_log(request):
    name = request.GET.get("file", "django.log")
    lines = request.GET.get("n", "100")
    with os.popen("tail -n %s /var/log/site/%s" % (lines, name)) as pipe:
        return HttpResponse(pipe.read(), content_type="text/plain")


# case: command_injection-107 | bad | CWE-78 | asyncio shell in FastAPI
@api.post("/convert")
async def convert_media(source: str, codec: str = "libx264"):
    target = MEDIA_DIR / f"{uuid.uuid4()}.mp4"
    proc = await asyncio.create_subprocess_shell(
        f"ffmpeg -i {MEDIA_DIR}/{source} -c:v {codec} {target}",
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await proc.communicate()
    if proc.returncode:
        raise HTTPException(422, err.decode()[-500:])
    return {"file": target.name}


# case: command_injection-108 | good | CWE-78 | asyncio exec with literal choices
@api.post("/transcode/{media_id}")
async def transcode(media_id: uuid.UUID, preset: Literal["fast", "medium", "slow"] = "medium"):
    source = MEDIA_DIR / f"{media_id}.mov"
    target = MEDIA_DIR / f"{media_id}.mp4"
    proc = await asyncio.create_subprocess_exec(
        "ffmpeg", "-y", "-i", str(source), "-preset", preset, str(target),
    )
    return {"exit": await proc.wait()}


# case: command_injection-109 | bad | CWE-78 | quoted value placed inside double quotes
@app.route("/docs/grep")
def grep_docs():
    needle = shlex.quote(request.args["q"])
    command = f'grep -rn --include="*.md" "{needle}" /srv/docs | head -50'
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    return jsonify(matches=done.stdout.splitlines())


# case: command_injection-110 | good | CWE-78 | quoted value in a pipeline
@app.route("/wiki/grep")
def grep_wiki():
    needle = shlex.quote(request.args["q"])
    command = f"grep -rnF -e {needle} /srv/wiki | head -50"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    return jsonify(matches=done.stdout.splitlines())


# case: command_injection-111 | bad | CWE-88 | options can be given in place of the host
@app.route("/uptime", methods=["POST"])
def host_uptime():
    host = request.get_json()["host"]
    argv = ["ssh", "-o", "BatchMode=yes", host, "uptime"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=15)
    if done.returncode:
        abort(502, done.stderr)
    return jsonify(host=host, uptime=done.stdout.strip())


# case: command_injection-112 | good | CWE-88 | strict pattern and end of options
REMOTE_RE = re.compile(r"https://git\.example\.org/[\w-]+/[\w-]+\.git")


@app.route("/imports", methods=["POST"])
def import_repo():
    remote = request.form["remote"]
    if not REMOTE_RE.fullmatch(remote):
        abort(400)
    target = REPO_DIR / uuid.uuid4().hex
    subprocess.run(["git", "clone", "--depth", "1", "--", remote, str(target)], check=True)
    return jsonify(path=target.name), 201


# case: command_injection-113 | good | CWE-78 | command and paths from the settings
class BackupView(View):
    def post(self, request):
        command = f"{settings.PG_DUMP} {settings.DATABASES['default']['NAME']} | gzip > {settings.BACKUP_FILE}"
        done = subprocess.run(command, shell=True, capture_output=True, text=True)
        note = request.POST.get("note", "")
        return JsonResponse({"ok": done.returncode == 0, "note": note})


# case: command_injection-114 | bad | CWE-78 | service class builds the shell line
class ImageTool:
    binary = "convert"

    def __init__(self, source):
        self.source = source
        self.options = []

    def option(self, name, value):
        self.options.append(f"-{name} {value}")
        return self

    def run(self, target):
        line = " ".join([self.binary, self.source, *self.options, target])
        return subprocess.call(line, shell=True)


@app.route("/images/<int:image_id>/resize", methods=["POST"])
def resize_image(image_id):
    tool = ImageTool(f"/srv/media/{image_id}.png").option("resize", request.form["size"])
    return jsonify(code=tool.run(f"/srv/media/{image_id}.thumb.png"))


# case: command_injection-115 | good | CWE-78 | same kind of builder with an argument list
class PdfTool:
    def __init__(self, *args):
        self.argv = ["pdftoppm", *args]

    def page(self, number):
        self.argv += ["-f", str(number), "-l", str(number)]
        return self

    def run(self, source, target):
        return subprocess.run([*self.argv, source, target], check=False).returncode


@app.route("/pdfs/<int:pdf_id>/preview", methods=["POST"])
def pdf_preview(pdf_id):
    page = request.form.get("page", default=1, type=int)
    code = PdfTool("-png").page(page).run(f"/srv/media/{pdf_id}.pdf", f"/srv/media/{pdf_id}")
    return jsonify(code=code)


# case: command_injection-116 | bad | CWE-78 | remote command over ssh
@api.post("/hosts/{host}/restart")
def restart_unit(host: Literal["web1", "web2"], unit: str):
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.connect(host, username="deploy")
    try:
        _, stdout, stderr = client.exec_command("sudo systemctl restart " + unit)
        return {"out": stdout.read().decode(), "err": stderr.read().decode()}
    finally:
        client.close()


# case: command_injection-117 | good | CWE-78 | enum of units for the remote command
class Unit(str, enum.Enum):
    web = "web.service"
    queue = "queue.service"


@api.post("/hosts/{host}/status")
def unit_status(host: Literal["web1", "web2"], unit: Unit):
    client = paramiko.SSHClient()
    client.load_system_host_keys()
    client.connect(host, username="deploy")
    _, stdout, _ = client.exec_command(f"systemctl is-active {unit.value}")
    return {"state": stdout.read().decode().strip()}


# case: command_injection-118 | bad | CWE-78 | only the semicolon is removed
def lookup_domain(request):
    domain = request.GET.get("domain", "").replace(";", "").strip()
    if not domain:
        return HttpResponseBadRequest("domain missing")
    output = subprocess.getoutput(f"whois {domain}")
    return JsonResponse({"domain": domain, "record": output})


# case: command_injection-119 | good | CWE-78 | domain name pattern and argument list
DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")


def dig_domain(request):
    domain = request.GET.get("domain", "").lower()
    if DOMAIN.fullmatch(domain) is None:
        return HttpResponseBadRequest("not a domain name")
    output = subprocess.check_output(["dig", "+short", domain, "MX"], text=True)
    return JsonResponse({"domain": domain, "mx": output.splitlines()})


# case: command_injection-120 | bad | CWE-78 | shell given explicitly in the list
@app.route("/du")
def disk_usage():
    folder = request.args.get("folder", ".")
    script = "cd /srv/shares && du -sh {} 2>/dev/null | cut -f1".format(folder)
    proc = subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, text=True)
    out, _ = proc.communicate(timeout=30)
    return jsonify(folder=folder, size=out.strip())


# case: command_injection-121 | good | CWE-78 | value handed to the script as a positional parameter
@app.route("/quota")
def share_quota():
    folder = request.args.get("folder", ".")
    if folder.startswith("/") or ".." in folder:
        abort(400)
    script = 'cd /srv/shares && du -sh -- "$1" 2>/dev/null | cut -f1'
    proc = subprocess.Popen(["/bin/sh", "-c", script, "quota", folder], stdout=subprocess.PIPE, text=True)
    out, _ = proc.communicate(timeout=30)
    return jsonify(folder=folder, size=out.strip())


# case: command_injection-122 | bad | CWE-78 | background task runs the pydantic field
class ArchiveJob(BaseModel):
    folder: str
    name: str = Field(min_length=3, max_length=80)


def make_archive(job):
    os.makedirs("/srv/archives", exist_ok=True)
    os.system("tar czf /srv/archives/{0.name}.tgz -C /srv/shares {0.folder}".format(job))


@api.post("/archives", status_code=202)
def queue_archive(job: ArchiveJob, tasks: BackgroundTasks):
    tasks.add_task(make_archive, job)
    return {"queued": job.name}


# case: command_injection-123 | good | CWE-78 | pydantic pattern and argument list in the task
class ExportJob(BaseModel):
    dataset: str = Field(pattern=r"^[a-z][a-z0-9_]{2,40}$")
    compress: bool = True


def run_export(job):
    argv = ["/opt/export/bin/export", "--dataset", job.dataset]
    if job.compress:
        argv.append("--gzip")
    subprocess.run(argv, check=True)


@api.post("/exports", status_code=202)
def queue_export(job: ExportJob, tasks: BackgroundTasks):
    tasks.add_task(run_export, job)
    return {"queued": job.dataset}


# case: command_injection-124 | bad | CWE-78 | the program itself comes from the body
@app.route("/hooks/run", methods=["POST"])
def run_hook():
    body = request.get_json(force=True)
    program = body.get("program", "echo")
    arguments = [str(a) for a in body.get("arguments", [])]
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20)
    return jsonify(stdout=done.stdout, code=done.returncode)


# case: command_injection-125 | good | CWE-78 | programs limited to a mapping of full paths
CHECKERS = {"python": "/usr/bin/pyflakes3", "shell": "/usr/bin/shellcheck", "yaml": "/usr/bin/yamllint"}


@app.route("/lint/<language>", methods=["POST"])
def lint_snippet(language):
    if language not in CHECKERS:
        abort(404)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as fh:
        fh.write(request.get_data(as_text=True))
        fh.flush()
        done = subprocess.run([CHECKERS[language], fh.name], capture_output=True, text=True)
    return jsonify(report=done.stdout)


# case: command_injection-126 | bad | CWE-78 | decorator passes the argument on to a shell helper
def with_target(view):
    @wraps(view)
    def wrapper(*args, **kwargs):
        target = request.headers.get("X-Target") or request.args.get("target")
        if not target:
            abort(400)
        return view(target, *args, **kwargs)

    return wrapper


@app.route("/scan/ports")
@with_target
def scan_ports(target):
    ctx = Context()
    result = ctx.run(f"nmap -F {target}", hide=True, warn=True)
    return Response(result.stdout, mimetype="text/plain")


# case: command_injection-127 | good | CWE-78 | size of the disk by the library
@app.route("/free")
def free_space():
    share = request.args.get("share", "public")
    known = {entry.name: entry.path for entry in os.scandir("/srv/shares") if entry.is_dir()}
    if share not in known:
        abort(404)
    usage = shutil.disk_usage(known[share])
    kernel = subprocess.check_output("uname -r | cut -d- -f1", shell=True, text=True).strip()
    return jsonify(free=usage.free, total=usage.total, kernel=kernel)


# case: command_injection-128 | bad | CWE-78 | command template formatted with the title in a Django view
class ReportPrint(View):
    template = "wkhtmltopdf --title {title} {url} /tmp/report.pdf"

    def command(self, **values):
        return self.template.format(**values)

    def post(self, request, pk):
        title = request.POST.get("title") or f"Report {pk}"
        url = f"http://127.0.0.1:8000/reports/{int(pk)}/"
        subprocess.run(self.command(title=title, url=url), shell=True, check=True)
        return FileResponse(open("/tmp/report.pdf", "rb"))


# case: command_injection-129 | good | CWE-78 | integers in a shell line
def rotate_video(request, pk):
    try:
        degrees = int(request.POST["degrees"]) % 360
        start = float(request.POST.get("start", 0))
    except (KeyError, ValueError):
        return HttpResponseBadRequest("numbers expected")
    source = f"/srv/media/{int(pk)}.mp4"
    code = os.system(f"nice ffmpeg -y -ss {start:.2f} -i {source} -vf rotate={degrees}*PI/180 {source}.out.mp4")
    return JsonResponse({"code": code})


# case: command_injection-130 | bad | CWE-78 | address check lets a scope part through
@app.route("/firewall/block", methods=["POST"])
def block_address():
    value = request.form["address"]
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        abort(400)
    tool = "ip6tables" if address.version == 6 else "iptables"
    subprocess.run(f"{tool} -A INPUT -s {value} -j DROP", shell=True, check=True)
    return "", 204


# case: command_injection-131 | bad | CWE-88 | file names of the request start as options
@api.post("/bundles")
def make_bundle(files: list[str] = Query(...)):
    names = [f for f in files if "/" not in f and ".." not in f]
    target = f"/srv/bundles/{uuid.uuid4().hex}.tar"
    done = subprocess.run(["tar", "-cf", target, *names], cwd="/srv/shares", capture_output=True, text=True)
    if done.returncode:
        raise HTTPException(422, done.stderr)
    return {"bundle": target}


# case: command_injection-132 | good | CWE-78 | tool path from the environment and integers of the request
@dataclass
class Thumbnailer:
    program: str = os.environ.get("THUMBNAILER", "/usr/bin/vipsthumbnail")
    size: int = 256

    def __call__(self, path):
        return subprocess.run([self.program, "--size", str(self.size), str(path)], check=True)


def thumbnail_view(request, pk):
    size = min(int(request.GET.get("size", 256)), 1024)
    Thumbnailer(size=size)(Path(settings.MEDIA_ROOT) / f"{pk:d}.jpg")
    return HttpResponse(status=204)
