"""The downward API: what a pod may learn of itself, for environment variables and volumes (pure)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from agent.runtime.base import ConfigError
from agent.runtime.node import NodeContext
from orchestrator.api import meta
from orchestrator.api.meta import Object
from orchestrator.api.pods import containers, init_containers
from orchestrator.api.quantity import parse

_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


def field_value(path: str, pod: Object, status: Object) -> str:
    """A `fieldRef`; `status` is the pod's as of now. Raises ConfigError for a path that there is not."""
    if subscript := _SUBSCRIPT.fullmatch(path):
        values = meta.labels(pod) if subscript.group(1) == "labels" else meta.annotations(pod)
        return values.get(subscript.group(2), "")
    match path:
        case "metadata.name":
            return meta.name(pod)
        case "metadata.namespace":
            return meta.namespace(pod)
        case "metadata.uid":
            return meta.uid(pod)
        case "metadata.labels":
            return _map_text(meta.labels(pod))
        case "metadata.annotations":
            return _map_text(meta.annotations(pod))
        case "spec.nodeName":
            return str(meta.spec(pod).get("nodeName") or "")
        case "spec.serviceAccountName":
            return str(meta.spec(pod).get("serviceAccountName") or "")
        case "status.hostIP" | "status.podIP":
            return str(status.get(path.removeprefix("status.")) or "")
        case "status.hostIPs" | "status.podIPs":
            return _addresses(status, path.removeprefix("status.").removesuffix("s"))
    raise ConfigError(f"fieldRef {path} is not supported")


def _map_text(values: Mapping[str, str]) -> str:
    """One `key="value"` a line, in order, as files of downwardAPI volumes have it."""
    return "\n".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in sorted(values.items()))


def _addresses(status: Object, field: str) -> str:
    several = [entry["ip"] for entry in status.get(f"{field}s") or () if entry.get("ip")]
    return ",".join(several) or str(status.get(field) or "")


def named_container(pod: Object, name: str) -> Object:
    """The container that a `resourceFieldRef` names. Raises ConfigError."""
    found = next((each for each in (*init_containers(pod), *containers(pod)) if each["name"] == name), None)
    if found is None:
        raise ConfigError(f"container {name} not found")
    return found


def resource_value(reference: Object, container: Object, node: NodeContext) -> str:
    """A `resourceFieldRef` in units of its divisor, rounded up; a limit that is not set is the node's allocatable.

    Raises ConfigError for a resource that there is not.
    """
    side, _, resource = reference["resource"].partition(".")
    if side not in ("limits", "requests") or not resource:
        raise ConfigError(f"resourceFieldRef {reference['resource']} is not supported")
    given = (container.get("resources") or {}).get(side) or {}
    default = node.allocatable.get(resource, 0) if side == "limits" else 0
    divisor = parse(reference.get("divisor") or 1) or 1
    return str(math.ceil(parse(given.get(resource, default)) / divisor))
