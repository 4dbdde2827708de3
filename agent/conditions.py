"""A pod's conditions, with the time of their last change kept. Pure."""

from __future__ import annotations

from agent import resize
from agent.observed import Observed, is_running
from agent.phase import initialized
from agent.podspec import find_by_name
from agent.verdict import BY_KUBELET
from orchestrator.api import pods
from orchestrator.api.meta import Object, find_condition, spec, status
from orchestrator.api.times import rfc3339

TRUE, FALSE = "True", "False"
#: In this order, which is Kubernetes'; conditions of others (readiness gates) follow.
OWN = (
    *("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"),
    *(resize.PENDING, resize.IN_PROGRESS),
)
#: Why a running pod had to end before its time; the API server and controllers set it, too.
DISRUPTED = "DisruptionTarget"


def is_own(condition: Object) -> bool:
    """Whether it is the agent's to write."""
    return condition["type"] in OWN or (condition["type"], condition.get("reason")) == (DISRUPTED, BY_KUBELET)


def conditions(pod: Object, seen: Observed, new: Object, now: float) -> list[Object]:
    """The conditions for the otherwise finished status `new`."""
    old = seen.status.get("conditions") or []
    containers_ready = _containers_ready(pod, new)
    computed = [
        _condition("PodReadyToStartContainers", seen.sandbox is not None and is_running(seen.sandbox)),
        _initialized(pod, seen, new),
        {**_ready(pod, containers_ready), "type": "Ready"},
        {**containers_ready, "type": "ContainersReady"},
        _condition("PodScheduled", True),
        *resize.conditions(pod, seen),
    ]
    if seen.verdict is not None:
        computed.append(_condition(DISRUPTED, True, BY_KUBELET, seen.verdict.message))
    told = {*OWN, *(condition["type"] for condition in computed)}
    others = [condition for condition in _current(pod) if condition["type"] not in told]
    timed = [_with_time(condition, old, rfc3339(now)) for condition in computed]
    return [_of_generation(condition, new) for condition in timed] + others


def _of_generation(condition: Object, new: Object) -> Object:
    """With the generation of the spec that it was observed for."""
    generation = new.get("observedGeneration")
    return condition if generation is None else {**condition, "observedGeneration": generation}


def _current(pod: Object) -> list[Object]:
    """As the API has them: others' conditions are theirs to change."""
    return status(pod).get("conditions") or []


def _with_time(condition: Object, old: list[Object], now: str) -> Object:
    before = find_condition(old, condition["type"])
    changed = before is None or before["status"] != condition["status"]
    return {**condition, "lastTransitionTime": now if changed or before is None else before.get("lastTransitionTime")}


def _condition(type: str, holds: bool, reason: str = "", message: str = "") -> Object:
    condition: Object = {"type": type, "status": TRUE if holds else FALSE}
    return condition | {field: text for field, text in (("reason", reason), ("message", message)) if text}


def _initialized(pod: Object, seen: Observed, new: Object) -> Object:
    if new["phase"] == "Succeeded":
        return _condition("Initialized", True, "PodCompleted")
    if initialized(pod, seen) or _was_initialized_and_ended(seen, new):
        return _condition("Initialized", True)
    statuses = new.get("initContainerStatuses")
    waiting = [
        i["name"] for i in pods.init_containers(pod) if not (find_by_name(statuses, i["name"]) or {}).get("ready")
    ]
    message = f"containers with incomplete status: [{' '.join(waiting)}]"
    return _condition("Initialized", False, "ContainersNotInitialized", message)


def _was_initialized_and_ended(seen: Observed, new: Object) -> bool:
    """A pod that failed later does not lose the condition with its sandbox."""
    before = find_condition(seen.status.get("conditions") or [], "Initialized")
    return new["phase"] == "Failed" and before is not None and before["status"] == TRUE


def _containers_ready(pod: Object, new: Object) -> Object:
    type = "ContainersReady"
    if new["phase"] == "Succeeded":
        return _condition(type, False, "PodCompleted")
    if new["phase"] == "Failed":
        return _condition(type, False, "PodFailed")
    sidecars = {init["name"] for init in pods.init_containers(pod) if pods.is_sidecar(init)}
    counted = [entry for entry in new.get("initContainerStatuses") or () if entry["name"] in sidecars]
    unready = [entry["name"] for entry in (*counted, *new["containerStatuses"]) if not entry["ready"]]
    if unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        return _condition(type, False, "ContainersNotReady", message)
    return _condition(type, True)


def _ready(pod: Object, containers_ready: Object) -> Object:
    """ContainersReady and every readiness gate."""
    gates = [gate["conditionType"] for gate in spec(pod).get("readinessGates") or ()]
    closed = [gate for gate in gates if (find_condition(_current(pod), gate) or {}).get("status") != TRUE]
    if containers_ready["status"] != TRUE or not closed:
        return containers_ready
    message = "; ".join(f'corresponding condition of pod readiness gate "{gate}" is not "True"' for gate in closed)
    return _condition("Ready", False, "ReadinessGatesNotReady", message)
