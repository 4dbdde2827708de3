"""The ports of a port-forward: as they are written, and as the pod knows them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.api import meta
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure


@dataclass(frozen=True, slots=True)
class Asked:
    """`local` 0 is any free port; `remote` a number, or the name of a port."""

    local: int | None
    remote: str


@dataclass(frozen=True, slots=True)
class Forwarded:
    local: int
    remote: int


def parse(text: str) -> Asked:
    """`8080:80`, `80`, `:80`, `8080:http`. Raises Failure."""
    before, colon, after = text.rpartition(":")
    if not after or (before and not _is_port(before)):
        raise Failure(f"{text!r} names no ports: write LOCAL:REMOTE, REMOTE or :REMOTE")
    if colon:
        return Asked(int(before or 0), after)
    return Asked(None, after)


def to_pod(asked: Asked, service: Object | None, pod: Object) -> Forwarded:
    """The port of the pod that is meant: by number or name, or through a port of the service. Raises Failure."""
    shown = local = _number(asked.remote, meta.spec(service).get("ports") or [], "port") if service else None
    target: str | int = asked.remote
    if service is not None:
        if shown is None:
            raise Failure(f"service {meta.name(service)} has no port {asked.remote}")
        port = next(p for p in meta.spec(service)["ports"] if p["port"] == shown)
        # A headless service's clients speak to the pods' own ports.
        target = shown if meta.spec(service).get("clusterIP") == "None" else port.get("targetPort") or shown
    ports = [port for each in meta.spec(pod)["containers"] for port in each.get("ports") or []]
    remote = _number(str(target), ports, "containerPort")
    if remote is None:
        raise Failure(f"pod {meta.name(pod)} has no port named {target}")
    if asked.local is not None:
        return Forwarded(asked.local, remote)
    return Forwarded(local or remote, remote)


def _number(text: str, ports: list[Object], field: str) -> int | None:
    """Of a port by number or by name; of a service's only those that it has."""
    for port in ports:
        if text in (port.get("name"), str(port[field])):
            return int(port[field])
    return int(text) if field == "containerPort" and _is_port(text) else None


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text) < 65536
