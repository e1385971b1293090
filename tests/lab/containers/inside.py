"""What runs inside the lab's namespaces: the first process there, which starts the registries and the engine.

It is started by `tests.lab.containers.lab`, is process 1 of its own process namespace, and reads its standard input:
when that ends, or when it is killed, the kernel ends every process of the namespace, containers too. What it writes
lies in memory, on file systems that only this namespace sees, and goes with it; the folder it is given holds the
socket, the certificate and the logs.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from tests.lab.containers import bases

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
USER = "AWS"  # as ECR has it: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
# The second is signed by nobody whom the engine knows; the third takes no pushes from anybody.
REGISTRIES = {"trusted": 443, "untrusted": 8443, "readonly": 9443}
CLOSED = 7443  # nothing listens there
# An address of this namespace alone (RFC 5737). Of registries at 127.0.0.0/8 an engine checks no certificate.
ADDRESS = "192.0.2.10"
_RUN = Path("/run/lab")  # seen by this namespace alone
_TRIES = 2
_PATIENCE = 110.0  # seconds until the engine must answer: lab.py waits a little longer
_REGISTRY = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {run}/images}}
  maintenance: {{uploadpurging: {{enabled: false}}, readonly: {{enabled: {readonly}}}}}
http:
  addr: {address}:{port}
  tls: {{certificate: {folder}/{name}.crt, key: {run}/{name}.key}}
auth:
  htpasswd: {{realm: ecr, path: {run}/htpasswd}}
"""


def main() -> None:
    """Set everything up, say so in the file `ready`, and wait for the end of standard input."""
    folder, password = Path(sys.argv[1]), sys.stdin.readline().strip()
    threading.Thread(target=_until_the_end, daemon=True).start()
    _hide(folder)
    (_RUN / "htpasswd").write_text(f"{USER}:{_bcrypt(password)}\n")
    for name, port in REGISTRIES.items():
        _certificate(folder, name)
        _registry(folder, name, port)
    _engine(folder)
    imports = [threading.Thread(target=_import, args=(folder, base)) for base in bases.BASES]
    for one in imports:
        one.start()
    for one in imports:
        one.join()
    _await_ports()
    (folder / "ready").touch()
    while True:  # process 1 takes the children of those who have ended
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(1)


def _until_the_end() -> None:
    sys.stdin.read()
    os._exit(0)


def _hide(folder: Path) -> None:
    """Private folders in place of those that the engine writes to, and a name for the registries."""
    _call("ip", "link", "set", "lo", "up")
    _call("ip", "address", "add", f"{ADDRESS}/32", "dev", "lo")
    _call("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    _RUN.mkdir(parents=True)
    hosts = folder / "hosts"
    hosts.write_text(f"{Path('/etc/hosts').read_text()}\n{ADDRESS} {HOST}\n")
    _call("mount", "--bind", str(hosts), "/etc/hosts")


def _certificate(folder: Path, name: str) -> None:
    _call(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", f"/CN={name} registry of a test", "-addext", f"subjectAltName=DNS:{HOST}",
        "-keyout", str(_RUN / f"{name}.key"), "-out", str(folder / f"{name}.crt"),
    )  # fmt: skip


def _registry(folder: Path, name: str, port: int) -> None:
    settings = _RUN / f"{name}.yaml"
    readonly = "true" if name == "readonly" else "false"
    settings.write_text(
        _REGISTRY.format(run=_RUN, address=ADDRESS, folder=folder, name=name, port=port, readonly=readonly)
    )
    _start(folder, f"registry-{name}", "docker-registry", "serve", str(settings))


def _engine(folder: Path) -> None:
    # Whom the engine trusts beside everybody: two of the three.
    bundle = [Path("/etc/ssl/certs/ca-certificates.crt"), folder / "trusted.crt", folder / "readonly.crt"]
    trusted = folder / "trusted.pem"
    trusted.write_text("".join(path.read_text() for path in bundle if path.exists()))
    os.environ |= {"SSL_CERT_FILE": str(trusted), "SSL_CERT_DIR": str(_RUN)}
    # Once in some hundred times it hangs on its start, with all of its settings as always.
    for number in range(_TRIES):
        process = _start(
            folder, "dockerd", "dockerd", "--host", f"unix://{folder}/docker.sock", "--group", "root",
            "--config-file", str(_configured()), "--data-root", str(_RUN / f"data-{number}"),
            "--exec-root", str(_RUN / f"exec-{number}"), "--pidfile", str(_RUN / f"docker-{number}.pid"),
            "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", f"/{folder.name}",
            "--storage-driver", "overlay2", "--log-level", "warn",
        )  # fmt: skip
        if _answers(folder):
            return
        process.kill()
        process.wait()
    raise RuntimeError("the engine did not answer in time")


def _answers(folder: Path) -> bool:
    deadline = time.monotonic() + _PATIENCE / _TRIES
    while time.monotonic() < deadline:
        try:
            if not subprocess.run(_docker(folder, "version"), capture_output=True, check=False, timeout=20).returncode:
                return True
        except subprocess.TimeoutExpired:
            continue
        time.sleep(0.1)
    return False


def _configured() -> Path:
    """An empty configuration: that of another engine of this machine is none of ours."""
    path = _RUN / "daemon.json"
    path.write_text("{}")
    return path


def _import(folder: Path, base: bases.Base) -> None:
    changes = [word for change in base.changes for word in ("--change", change)]
    with (folder / "import.log").open("ab") as log:
        process = subprocess.Popen(
            _docker(folder, "import", *changes, "-", base.name), stdin=subprocess.PIPE, stdout=log, stderr=log
        )
        if process.stdin is None:
            raise RuntimeError("docker import was started without a pipe")
        base.write(process.stdin)
        process.stdin.close()
        process.wait()


def _await_ports() -> None:
    # proc(5): the address in the order of the machine, both in hexadecimal.
    address = f"{int.from_bytes(socket.inet_aton(ADDRESS), sys.byteorder):08X}"
    listening = {f"{address}:{port:04X}" for port in REGISTRIES.values()}
    deadline = time.monotonic() + _PATIENCE
    while not listening <= {line.split()[1] for line in Path("/proc/self/net/tcp").read_text().splitlines()}:
        if time.monotonic() > deadline:
            raise RuntimeError("a registry does not listen")
        time.sleep(0.05)


def _docker(folder: Path, *words: str) -> list[str]:
    return ["/usr/bin/docker", "--host", f"unix://{folder}/docker.sock", *words]


def _start(folder: Path, name: str, *words: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _call(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")


def _bcrypt(password: str) -> str:
    """The hash that docker-registry asks for, made by the C library's crypt (crypt(5))."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    salt = secrets.token_hex(11)  # 22 characters of its alphabet
    return str(crypt(password.encode(), f"$2b$05${salt}".encode()).decode())


if __name__ == "__main__":
    main()
