"""Resource requests and limits. That a value is a quantity at all has been checked with the schema."""

from __future__ import annotations

from orchestrator.api import names
from orchestrator.api.checks import NOT_NEGATIVE, Errors, indexed
from orchestrator.api.errors import duplicate, invalid, not_supported, required
from orchestrator.api.meta import Object
from orchestrator.api.quantity import Quantity, parse

_STANDARD = frozenset({"cpu", "memory", "ephemeral-storage"})
_RESIZABLE = ("cpu", "memory")
_RESIZE_POLICIES = ("NotRequired", "RestartContainer")
_HUGE_PAGES = "hugepages-"
_NOT_STANDARD = "must be a standard resource type or fully qualified"


def requirements(resources: Object, field: str) -> Errors:
    """The rules of a container's `resources`."""
    limits: Object = resources.get("limits") or {}
    requests: Object = resources.get("requests") or {}
    for name, value in limits.items():
        yield from _resource(name, value, f"{field}.limits[{name}]")
    for name, value in requests.items():
        yield from _resource(name, value, f"{field}.requests[{name}]")
        yield from _within_limit(name, value, limits.get(name), field)


def resize_policies(container: Object, restart_policy: str | None, field: str) -> Errors:
    """The rules of `resizePolicy`; `restart_policy` is the pod's, where it is the container's too."""
    seen: set[str] = set()
    for path, policy in indexed(f"{field}.resizePolicy", container.get("resizePolicy")):
        name, kind = policy.get("resourceName") or "", policy.get("restartPolicy") or ""
        if name not in _RESIZABLE:
            yield not_supported(f"{path}.resourceName", name, _RESIZABLE)
        if name in seen:
            yield duplicate(f"{path}.resourceName", name)
        seen.add(name)
        if kind not in _RESIZE_POLICIES:
            yield not_supported(f"{path}.restartPolicy", kind, _RESIZE_POLICIES)
        elif restart_policy == "Never" and kind != "NotRequired":
            yield invalid(f"{path}.restartPolicy", kind, "must be 'NotRequired' when `restartPolicy` is 'Never'")


def quantities(resources: Object | None, field: str) -> Errors:
    """No quantity of the map is below zero."""
    for name, value in (resources or {}).items():
        yield from amount(value, f"{field}[{name}]")


def amount(value: Quantity, field: str) -> Errors:
    """The quantity is not below zero."""
    if parse(value) < 0:
        yield invalid(field, value, NOT_NEGATIVE)


def resource_name(name: str, field: str, *, of_container: bool = True) -> Errors:
    """The name is qualified, or a standard one: `cpu`; `storage` is one too, but not a container's."""
    problems = names.qualified_name(name)
    if not problems and "/" not in name and not _is_standard(name):
        if of_container:
            problems = [_NOT_STANDARD, "must be a standard resource for containers"]
        elif name != "storage":
            problems = [_NOT_STANDARD]
    yield from (invalid(field, name, problem) for problem in problems)


def _resource(name: str, value: Quantity, field: str) -> Errors:
    yield from resource_name(name, field)
    yield from amount(value, field)
    if _is_whole(name) and parse(value).denominator != 1:
        yield invalid(field, value, "must be an integer")


def _within_limit(name: str, request: Quantity, limit: Quantity | None, field: str) -> Errors:
    if limit is None:
        if _is_whole(name):
            yield required(f"{field}.limits", "Limit must be set for non overcommitable resources")
        return
    asked, allowed = parse(request), parse(limit)
    if _is_whole(name) and asked != allowed:
        yield invalid(f"{field}.requests", request, f"must be equal to {name} limit of {limit}")
    elif asked > allowed:
        yield invalid(f"{field}.requests", request, f"must be less than or equal to {name} limit of {limit}")


def _is_standard(name: str) -> bool:
    return name in _STANDARD or name.startswith(_HUGE_PAGES)


def _is_whole(name: str) -> bool:
    """Resources that come in pieces and are never overcommitted: devices and huge pages."""
    return name not in _STANDARD
