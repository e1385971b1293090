"""A compose file as hardgate starts it: the whole project as values in, the same with a wall around it out.

In comes what `docker compose config --format json` prints, with everything resolved. The compose file format:
https://github.com/compose-spec/compose-spec/blob/main/spec.md
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Nobody's address (RFC 5737). With a name server of its own a container's questions leave from its own namespace, and
# not, as they did in internal networks before Docker 26, from the engine's: CVE-2024-29018.
_NO_RESOLVER = "192.0.2.1"
# An internal network still has an address of the machine in it, unless its bridge gets none.
_INTERNAL = {"internal": True, "driver_opts": {"com.docker.network.bridge.inhibit_ipv4": "true"}}
_SOCKETS = ("/var/run/", "/run/", "/proc/", "/sys/", "/dev/")
LABEL, OWNER = "hardgate.environment", "hardgate.owner"


def openings(project: dict[str, Any]) -> Iterator[str]:
    """What in a project leads around an internal network, as sentences."""
    for name, service in sorted(project.get("services", {}).items()):
        yield from (f"the service {name} {said}" for said in _opens(service))
    for name, network in sorted(project.get("networks", {}).items()):
        if network and network.get("external"):
            yield f"the network {name} is external"
        if network and network.get("driver", "bridge") != "bridge":
            yield f"the network {name} has the driver {network['driver']}"
    for name, volume in sorted(project.get("volumes", {}).items()):
        # The driver `local` mounts whatever its options name: a folder with the engine's socket, a share elsewhere.
        if volume and (volume.get("driver_opts") or volume.get("driver", "local") != "local"):
            yield f"the volume {name} has a driver of its own or `driver_opts`"


def _opens(service: dict[str, Any]) -> Iterator[str]:
    for key in ("network_mode", "pid", "ipc", "userns_mode"):
        if str(service.get(key, "")).startswith(("host", "container:")):
            yield f"has `{key}: {service[key]}`"
    for key in ("privileged", "devices", "cap_add", "use_api_socket", "provider"):
        if service.get(key):
            yield f"has `{key}`"
    if any(str(one).startswith("container:") for one in service.get("volumes_from", [])):
        yield "has the volumes of a container of somebody else"
    for mount in service.get("volumes", []):
        place = str(mount.get("source", ""))
        if mount.get("type") == "bind" and (place == "/" or f"{place}/".startswith(_SOCKETS)):
            yield f"mounts {place}"


def walled(project: dict[str, Any], *, mark: str, owner: str, asked: str, port: int, isolated: bool) -> dict[str, Any]:
    """The project with labels by which it is found again, without fixed names and ports, and with no way out.

    Where it is not isolated, the one port that tests ask is published on a free port of loopback.
    """
    labels = {LABEL: mark, OWNER: owner}
    services = {}
    for name, given in project.get("services", {}).items():
        service = {key: value for key, value in given.items() if key not in {"container_name", "ports"}}
        service["labels"] = {**service.get("labels", {}), **labels}
        if isolated:
            service["dns"] = [_NO_RESOLVER]
            service["dns_opt"] = ["timeout:1", "attempts:1"]  # or each name costs an application 20 seconds
            service.pop("extra_hosts", None)
        elif name == asked:
            service["ports"] = [{"target": port, "host_ip": "127.0.0.1", "protocol": "tcp", "mode": "host"}]
        services[name] = service
    named: dict[str, Any] = {"services": services}
    for kind in ("networks", "volumes"):
        named[kind] = {
            name: own if own and own.get("external") else {**_unnamed(own), "labels": labels}
            for name, own in project.get(kind, {}).items()
        }
    if isolated:
        named["networks"] = {name: {**own, **_INTERNAL} for name, own in named["networks"].items()}
    # What a network or volume is called may be fixed in the file: then two runs would meet in it.
    return {key: value for key, value in project.items() if key != "name"} | named


def _unnamed(given: dict[str, Any] | None) -> dict[str, Any]:
    return {key: value for key, value in (given or {}).items() if key != "name"}
