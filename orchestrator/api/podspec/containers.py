"""Containers, init containers and ephemeral containers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.api import names
from orchestrator.api.checks import PORTS, Errors, follows, indexed, named, one_of, present, unique, within
from orchestrator.api.errors import duplicate, forbidden, invalid, no_such, not_supported
from orchestrator.api.meta import Object
from orchestrator.api.pods import is_sidecar
from orchestrator.api.podspec import claims, env, handlers, resources, security, volumes

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_MESSAGE_POLICIES = ("File", "FallbackToLogsOnError")
_NOT_FOR_INIT = "may not be set for init containers without restartPolicy=Always"
_NOT_FOR_EPHEMERAL = "cannot be set for an Ephemeral Container"
_LONG_RUNNING_ONLY = ("lifecycle", *handlers.PROBES)
_EPHEMERAL_NEVER = (*_LONG_RUNNING_ONLY, "ports", "resizePolicy", "restartPolicy")


def containers(spec: Object, field: str) -> Errors:
    """The rules of all three lists of a pod's spec."""
    volume_names = frozenset(str(volume.get("name")) for volume in spec.get("volumes") or [])
    yield from _main(spec, volume_names, f"{field}.containers")
    yield from _init(spec, volume_names, f"{field}.initContainers")
    yield from _ephemeral(spec, volume_names, f"{field}.ephemeralContainers")


def _main(spec: Object, volume_names: frozenset[str], field: str) -> Errors:
    items: list[Object] = spec.get("containers") or []
    yield from present(field, items)
    for path, container in indexed(field, items):
        yield from _any(container, spec, volume_names, path)
        yield from _long_running(container, spec, path)
        yield from resources.resize_policies(container, spec.get("restartPolicy"), path)
        if "restartPolicy" in container:
            yield forbidden(f"{path}.restartPolicy", "may not be set for non-init containers")
    yield from unique((f"{path}.name", container.get("name")) for path, container in indexed(field, items))
    yield from _host_ports(indexed(field, items))


def _init(spec: Object, volume_names: frozenset[str], field: str) -> Errors:
    items: list[Object] = spec.get("initContainers") or []
    for path, container in indexed(field, items):
        yield from _any(container, spec, volume_names, path)
        if container.get("restartPolicy"):
            yield from one_of(f"{path}.restartPolicy", container["restartPolicy"], ("Always",))
        if is_sidecar(container):
            yield from _long_running(container, spec, path)
            yield from resources.resize_policies(container, None, path)
        else:
            given = [name for name in _LONG_RUNNING_ONLY if name in container]
            yield from (forbidden(f"{path}.{name}", _NOT_FOR_INIT) for name in given)
        yield from _host_ports([(path, container)])
    named_items = ((f"{path}.name", container.get("name")) for path, container in indexed(field, items))
    yield from unique(named_items, _names(spec, "containers"))


def _ephemeral(spec: Object, volume_names: frozenset[str], field: str) -> Errors:
    items: list[Object] = spec.get("ephemeralContainers") or []
    others = _names(spec, "containers", "initContainers")
    for path, container in indexed(field, items):
        yield from _any(container, spec, volume_names, path)
        target = container.get("targetContainerName")
        if target and target not in others:
            yield no_such(f"{path}.targetContainerName", target)
        given = [name for name in _EPHEMERAL_NEVER if container.get(name)]
        yield from (forbidden(f"{path}.{name}", _NOT_FOR_EPHEMERAL) for name in given)
        if any(container.get("resources", {}).values()):
            yield forbidden(f"{path}.resources", _NOT_FOR_EPHEMERAL)
        for mount_path, mount in indexed(f"{path}.volumeMounts", container.get("volumeMounts")):
            given = [name for name in ("subPath", "subPathExpr") if mount.get(name)]
            yield from (forbidden(f"{mount_path}.{name}", _NOT_FOR_EPHEMERAL) for name in given)
    yield from unique(((f"{path}.name", container.get("name")) for path, container in indexed(field, items)), others)


def _names(spec: Object, *lists: str) -> frozenset[str]:
    return frozenset(str(container.get("name")) for field in lists for container in spec.get(field) or [])


def _any(container: Object, spec: Object, volume_names: frozenset[str], field: str) -> Errors:
    """What holds for every kind of container."""
    yield from named(f"{field}.name", container.get("name"), names.dns_label)
    yield from present(f"{field}.image", container.get("image"))
    policy = container.get("terminationMessagePolicy")
    yield from one_of(f"{field}.terminationMessagePolicy", policy, _MESSAGE_POLICIES)
    yield from _ports(container.get("ports") or [], f"{field}.ports")
    yield from env.variables(container.get("env"), f"{field}.env")
    yield from env.sources(container.get("envFrom"), f"{field}.envFrom")
    yield from volumes.mounts(container, volume_names, field)
    yield from volumes.devices(container, spec, field)
    yield from one_of(f"{field}.imagePullPolicy", container.get("imagePullPolicy"), _PULL_POLICIES)
    yield from resources.requirements(container.get("resources") or {}, f"{field}.resources")
    yield from claims.used(container.get("resources") or {}, spec, f"{field}.resources.claims")
    yield from security.container(container.get("securityContext") or {}, f"{field}.securityContext")


def _long_running(container: Object, spec: Object, field: str) -> Errors:
    grace = spec.get("terminationGracePeriodSeconds") or 0
    system = (spec.get("os") or {}).get("name") or ""
    yield from handlers.lifecycle(container.get("lifecycle") or {}, grace, system, f"{field}.lifecycle")
    yield from handlers.probes(container, field)


def _ports(ports: Sequence[Object], field: str) -> Errors:
    for path, port in indexed(field, ports):
        yield from follows(f"{path}.name", port.get("name"), names.port_name)
        yield from present(f"{path}.containerPort", port.get("containerPort"))
        yield from within(f"{path}.containerPort", port.get("containerPort") or None, *PORTS)
        yield from within(f"{path}.hostPort", port.get("hostPort") or None, *PORTS)
        yield from follows(f"{path}.hostIP", port.get("hostIP"), names.ip_address)
        if (protocol := port.get("protocol")) not in _PROTOCOLS:
            yield not_supported(f"{path}.protocol", protocol, _PROTOCOLS)
    yield from unique((f"{path}.name", port.get("name")) for path, port in indexed(field, ports))


def _host_ports(items: Iterable[tuple[str, Object]]) -> Errors:
    """No two containers that run together take the same port of the node."""
    taken: set[str] = set()
    for field, container in items:
        for path, port in indexed(f"{field}.ports", container.get("ports")):
            if not port.get("hostPort"):
                continue
            address = f"{port.get('protocol')}/{port.get('hostIP') or ''}/{port['hostPort']}"
            if address in taken:
                yield duplicate(f"{path}.hostPort", address)
            taken.add(address)


def images(spec: Object, field: str) -> Errors:
    """A pod, unlike a template, may not have an image with blanks around it."""
    for name in ("containers", "initContainers", "ephemeralContainers"):
        for path, container in indexed(f"{field}.{name}", spec.get(name)):
            image = container.get("image") or ""
            if image != image.strip():
                yield invalid(f"{path}.image", image, "must not have leading or trailing whitespace")
