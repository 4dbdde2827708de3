"""What the `resize` subresource may change of a pod: requests and limits of CPU and memory, within its class."""

from __future__ import annotations

from orchestrator.api import static_pods
from orchestrator.api.checks import Errors, indexed
from orchestrator.api.errors import forbidden, invalid
from orchestrator.api.meta import Object, spec
from orchestrator.api.pods import is_sidecar, qos_class
from orchestrator.api.quantity import parse

_LISTS = ("containers", "initContainers")
_RESIZABLE = ("cpu", "memory")


def with_resources(pod: Object, wanted: Object) -> Object:
    """`pod` with the resources that its containers have in `wanted`; nothing else of that counts."""
    lists = {}
    for field in _LISTS:
        resources = {container.get("name"): container.get("resources") for container in spec(wanted).get(field) or ()}
        if spec(pod).get(field):
            lists[field] = [_resized(container, resources) for container in spec(pod)[field]]
    return {**pod, "spec": spec(pod) | lists}


def _resized(container: Object, resources: Object) -> Object:
    if container["name"] not in resources:
        return container
    return {**container, "resources": resources[container["name"]] or {}}


def resize_rules(new: Object, old: Object, field: str = "spec") -> Errors:
    """The rules that the change of the pod `old` to `new`, which have the same containers, breaks."""
    if static_pods.mirrored(old):
        yield forbidden(field, "static pods cannot be resized")
        return
    if (now := qos_class(new)) != qos_class(old):
        yield invalid(field, now, "Pod QOS Class may not change as a result of resizing")
    for name in _LISTS:
        before = spec(old).get(name) or []
        for (path, container), was in zip(indexed(f"{field}.{name}", spec(new).get(name)), before, strict=True):
            if container.get("resources") == was.get("resources"):
                continue
            if name == "initContainers" and not is_sidecar(container):
                yield forbidden(path, "only sidecars among the init containers can be resized")
            yield from _container(container, was, f"{path}.resources")


def _container(new: Object, old: Object, field: str) -> Errors:
    wanted, current = new.get("resources") or {}, old.get("resources") or {}
    for kind in ("limits", "requests"):
        after, before = wanted.get(kind) or {}, current.get(kind) or {}
        for resource in sorted(before.keys() | after.keys()):
            if resource not in _RESIZABLE and after.get(resource) != before.get(resource):
                yield forbidden(f"{field}.{kind}", "only cpu and memory resources are mutable")
            elif resource not in after:
                yield forbidden(f"{field}.{kind}", f"resource {kind} cannot be removed")
    if wanted.get("claims") != current.get("claims"):
        yield forbidden(f"{field}.claims", "only cpu and memory resources are mutable")
    yield from _memory_limit(new, wanted.get("limits") or {}, current.get("limits") or {}, field)


def _memory_limit(container: Object, wanted: Object, current: Object, field: str) -> Errors:
    """Memory that is in use cannot be taken from a container that runs."""
    if "memory" not in wanted or "memory" not in current or restarts_for(container, "memory"):
        return
    if parse(wanted["memory"]) < parse(current["memory"]):
        why = "memory limits cannot be decreased unless resizePolicy is RestartContainer"
        yield forbidden(f"{field}.limits", why)


def restarts_for(container: Object, resource: str) -> bool:
    """Whether the container's resizePolicy asks for a restart when this resource changes."""
    policies = container.get("resizePolicy") or ()
    return any(entry["resourceName"] == resource and entry["restartPolicy"] == "RestartContainer" for entry in policies)
