"""A pod's status from what was observed, never from what was asked for. Pure."""

from __future__ import annotations

from agent.conditions import conditions
from agent.container_status import container_status
from agent.observed import Observed, is_live, is_running
from agent.phase import ENDED, past_deadline, phase
from orchestrator.api import pods
from orchestrator.api.meta import Object, is_deleting, metadata, spec
from orchestrator.api.times import rfc3339

DEADLINE_MESSAGE = "Pod was active on the node longer than the specified deadline"


def pod_status(pod: Object, seen: Observed, host_ip: str, now: float) -> Object:
    """The pod's whole status. Others' conditions stay as they are.

    A pod that is to end is shown as ended when nothing of it runs any more.
    """
    old, decided = seen.status, phase(pod, seen, now)
    ending = decided in ENDED and any(map(is_live, seen.apps))
    new: Object = {"phase": (old.get("phase") or "Pending") if ending else decided}
    if "generation" in metadata(pod):
        new["observedGeneration"] = metadata(pod)["generation"]
    new |= _reason(pod, seen, now, new["phase"])
    new["hostIP"] = host_ip
    new["hostIPs"] = [{"ip": host_ip}]
    new |= _addresses(pod, seen, host_ip, new["phase"])
    new["startTime"] = old.get("startTime") or rfc3339(now)
    new["qosClass"] = old.get("qosClass") or pods.qos_class(pod)
    if inits := pods.init_containers(pod):
        new["initContainerStatuses"] = [container_status(pod, init, seen, decided) for init in inits]
    new["containerStatuses"] = [container_status(pod, container, seen, decided) for container in pods.containers(pod)]
    if ephemeral := pods.ephemeral_containers(pod):
        new["ephemeralContainerStatuses"] = [_ephemeral_status(pod, entry, seen, decided) for entry in ephemeral]
    new["conditions"] = conditions(pod, seen, new, now)
    return new


def _ephemeral_status(pod: Object, container: Object, seen: Observed, phase: str) -> Object:
    """It is never ready, which is about traffic, and has no startup probe that would make it started."""
    status = {**container_status(pod, container, seen, phase), "ready": False}
    status.pop("started")
    return status


def _reason(pod: Object, seen: Observed, now: float, phase: str) -> Object:
    old = seen.status
    if phase in ENDED and old.get("phase") == phase:
        return {field: old[field] for field in ("reason", "message") if field in old}
    if seen.refusal:
        return {"reason": seen.refusal.reason, "message": f"Pod was rejected: {seen.refusal.message}"}
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
