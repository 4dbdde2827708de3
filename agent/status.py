"""A pod's status from what was observed, never from what was asked for. Pure."""

from __future__ import annotations

from agent.conditions import conditions
from agent.container_status import container_status
from agent.observed import Observed, is_live, is_running
from agent.phase import ENDED, past_deadline, phase
from orchestrator.api import pods
from orchestrator.api.meta import Object, is_deleting, metadata, spec, status
from orchestrator.api.times import rfc3339

DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def pod_status(pod: Object, seen: Observed, host_ip: str, now: float) -> Object:
    """The pod's whole status. Others' conditions stay as they are.

    A pod that is to end is shown as ended when nothing of it runs any more: until then what it took is not free.
    """
    decided = phase(pod, seen, now)
    ending = decided in ENDED and (any(map(is_live, seen.apps)) or seen.inflight_creation)
    new: Object = {"phase": (seen.status.get("phase") or "Pending") if ending else decided}
    if "generation" in metadata(pod):
        new["observedGeneration"] = metadata(pod)["generation"]
    new |= _reason(pod, seen, now, new["phase"])
    if _never_began(seen, new):
        return _rejected(pod, seen, new, now)
    new["hostIP"] = host_ip
    new["hostIPs"] = [{"ip": host_ip}]
    new |= _addresses(pod, seen, host_ip, new["phase"])
    new |= _began(pod, seen, now)
    if inits := pods.init_containers(pod):
        new["initContainerStatuses"] = [container_status(pod, init, seen, decided) for init in inits]
    new["containerStatuses"] = [container_status(pod, container, seen, decided) for container in pods.containers(pod)]
    if ephemeral := pods.ephemeral_containers(pod):
        new["ephemeralContainerStatuses"] = [_ephemeral_status(pod, entry, seen, decided) for entry in ephemeral]
    new["conditions"] = conditions(pod, seen, new, now)
    return new


def _never_began(seen: Observed, new: Object) -> bool:
    """The node did not take the pod, now or before an agent's restart."""
    rejected = seen.verdict is not None and seen.verdict.rejected
    return rejected or (new["phase"] == "Failed" and not seen.containers and "containerStatuses" not in seen.status)


def _rejected(pod: Object, seen: Observed, new: Object, now: float) -> Object:
    """There is nothing to tell of its containers."""
    return new | _began(pod, seen, now) | {"conditions": status(pod).get("conditions") or []}


def _began(pod: Object, seen: Observed, now: float) -> Object:
    old = seen.status
    return {
        "startTime": old.get("startTime") or rfc3339(now),
        "qosClass": old.get("qosClass") or pods.qos_class(pod),
    }


def _ephemeral_status(pod: Object, container: Object, seen: Observed, phase: str) -> Object:
    """It is never ready, which is about traffic, and has no startup probe that would make it started."""
    status = {**container_status(pod, container, seen, phase), "ready": False}
    status.pop("started")
    return status


def _reason(pod: Object, seen: Observed, now: float, phase: str) -> Object:
    old = seen.status
    if phase in ENDED and old.get("phase") == phase:
        return {field: old[field] for field in ("reason", "message") if field in old}
    if phase == "Failed" and seen.verdict is not None:
        return {"reason": seen.verdict.reason, "message": seen.verdict.status_message}
    if phase == "Failed" and past_deadline(pod, seen, now):
        return {"reason": "DeadlineExceeded", "message": DEADLINE_MESSAGE}
    return {}


def _addresses(pod: Object, seen: Observed, host_ip: str, phase: str) -> Object:
    """The sandbox's address; a pod that ends keeps the last one for the record."""
    sandbox, ip = seen.sandbox, ""
    if sandbox is not None and is_running(sandbox):
        ip = host_ip if spec(pod).get("hostNetwork") else sandbox.ip
    elif phase in ENDED or is_deleting(pod):
        ip = seen.status.get("podIP", "")
    return {"podIP": ip, "podIPs": [{"ip": ip}]} if ip else {}
