"""What one object uses of the resources that quotas limit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from orchestrator.api import pods
from orchestrator.api.groups.core import PERSISTENT_VOLUME_CLAIM, POD, SERVICE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, spec
from orchestrator.api.pods import Resources, is_terminal
from orchestrator.api.quantity import parse
from orchestrator.api.quota.resources import COMPUTE, OBJECTS, count
from orchestrator.api.strategies.persistentvolumeclaim import requested
from orchestrator.api.strategies.storage import storage_class

_ONE = Fraction(1)
_OF_CLASS = "storageclass.storage.k8s.io"
#: Requests that a quota may also name without the prefix.
_SHORT = ("cpu", "memory", "ephemeral-storage")
_HUGE_PAGES = "hugepages-"


def usage(kind: Kind, obj: Object) -> Resources:
    """By the name that a quota has for it; in base units (cores, bytes, counts)."""
    used = {count(kind.plural, kind.group): _ONE}
    if not kind.group and kind.plural in OBJECTS:
        used[kind.plural] = _ONE
    return used | _MORE[kind](obj) if kind in _MORE else used


def tracked(kind: Kind, used: Resources, resources: Iterable[str]) -> frozenset[str]:
    """Those of a quota's `resources` that concern an object of `kind` which uses `used`."""
    mine = used.keys() | COMPUTE if kind is POD else used.keys()
    return frozenset(mine & set(resources))


def unspecified(pod: Object, resources: Iterable[str]) -> str:
    """Which CPU and memory that a quota limits the pod's containers say nothing of: `limits.cpu for: a,b; ...`."""
    containers = [*pods.init_containers(pod), *pods.containers(pod)]
    missing = {
        resource: sorted(str(each.get("name")) for each in containers if resource not in _given(each))
        for resource in sorted(COMPUTE.intersection(resources))
    }
    return "; ".join(f"{resource} for: {','.join(names)}" for resource, names in missing.items() if names)


def _given(container: Object) -> Resources:
    resources = container.get("resources") or {}
    return _compute(_amounts(resources.get("requests")), _amounts(resources.get("limits")))


def _amounts(resources: Object | None) -> Resources:
    return {name: parse(quantity) for name, quantity in (resources or {}).items()}


def _pod(pod: Object) -> Resources:
    """A pod that has finished is still counted as an object, and uses nothing."""
    return {} if is_terminal(pod) else {"pods": _ONE, **_compute(pods.requests(pod), pods.limits(pod))}


def _compute(requests: Resources, limits: Resources) -> Resources:
    used = {f"requests.{name}": amount for name, amount in requests.items()}
    used |= {name: amount for name, amount in requests.items() if name in _SHORT or name.startswith(_HUGE_PAGES)}
    return used | {f"limits.{name}": amount for name, amount in limits.items() if name in _SHORT}


def _service(service: Object) -> Resources:
    kind, ports = spec(service).get("type"), spec(service).get("ports") or []
    if kind == "NodePort":
        return {"services.nodeports": Fraction(len(ports))}
    if kind != "LoadBalancer":
        return {}
    allocated = spec(service).get("allocateLoadBalancerNodePorts") is not False
    opened = len(ports) if allocated else sum(bool(port.get("nodePort")) for port in ports)
    return {"services.loadbalancers": _ONE, "services.nodeports": Fraction(opened)}


def _claim(claim: Object) -> Resources:
    """Counted as a whole, and by storage class."""
    size = requested(claim)
    used = {"persistentvolumeclaims": _ONE, **({"requests.storage": parse(size)} if size is not None else {})}
    if name := storage_class(claim):
        used |= {f"{name}.{_OF_CLASS}/{resource}": amount for resource, amount in used.items()}
    return used


_MORE: Mapping[Kind, Callable[[Object], Resources]] = {
    POD: _pod,
    SERVICE: _service,
    PERSISTENT_VOLUME_CLAIM: _claim,
}
