"""The names of what a quota can limit."""

from __future__ import annotations

from orchestrator.api import names
from orchestrator.api.checks import Errors
from orchestrator.api.errors import invalid
from orchestrator.api.podspec.resources import amount
from orchestrator.api.quantity import Quantity, parse

#: Objects that can be counted by their bare plural; any kind can by `count/<plural>.<group>`.
OBJECTS = frozenset(
    {
        "configmaps",
        "persistentvolumeclaims",
        "replicationcontrollers",
        "resourcequotas",
        "secrets",
        "services",
    }
)
#: What of pods' CPU and memory a quota can limit. Of these each container must then say how much it wants.
COMPUTE = frozenset({"cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"})
_STORAGE = frozenset(
    {"ephemeral-storage", "limits.ephemeral-storage", "requests.ephemeral-storage", "requests.storage"}
)
_COUNTS = OBJECTS | {"pods", "services.loadbalancers", "services.nodeports"}
_STANDARD = COMPUTE | _STORAGE | _COUNTS
_HUGE_PAGES = ("hugepages-", "requests.hugepages-")


def is_standard(resource: str) -> bool:
    return resource in _STANDARD or resource.startswith(_HUGE_PAGES)


def count(plural: str, group: str) -> str:
    """`count/deployments.apps`: the name under which objects of a kind are counted."""
    return f"count/{plural}.{group}" if group else f"count/{plural}"


def fits(scope: str, resource: str) -> bool:
    """A scope chooses pods; those without requests can only be counted."""
    return resource == "pods" or (scope != "BestEffort" and resource in COMPUTE)


def limit(resource: str, value: Quantity, field: str) -> Errors:
    """The rules of one entry of `hard`, which lies at `field`."""
    path = f"{field}[{resource}]"
    problems = names.qualified_name(resource)
    if not problems and "/" not in resource and not is_standard(resource):
        problems = ["must be a standard resource for quota"]
    yield from (invalid(path, resource, problem) for problem in problems)
    yield from amount(value, path)
    if _is_whole(resource) and parse(value).denominator != 1:
        yield invalid(path, value, "must be an integer")


def _is_whole(resource: str) -> bool:
    """Objects and devices come in pieces."""
    return resource in _COUNTS or ("/" in resource and not resource.startswith("requests."))
