"""The ContainerStatus of one container: waiting, running or terminated, and why. Pure."""

from __future__ import annotations

from agent.actions import CreateContainer, EnsureImage
from agent.observed import (
    Observed,
    ended_at,
    is_live,
    is_running,
    last_end,
    restarts,
    start_failed,
    succeeded,
)
from agent.phase import ENDED, next_init
from agent.podspec import find_by_name
from agent.restarts import back_off, back_off_message, changed, first_start_failure, restarts_again
from agent.runtime.base import LABEL_CONTAINER, ContainerState
from orchestrator.api import pods
from orchestrator.api.meta import Object, is_deleting
from orchestrator.api.times import rfc3339

RUNTIME = "docker"


def container_status(pod: Object, container: Object, seen: Observed, phase: str) -> Object:
    name = container["name"]
    instance = seen.newest_started(name)
    if instance is not None and not instance.id and _is_over(pod, seen, phase):
        return _as_last_known(seen.old_status(name) or {})
    status: Object = {
        "name": name,
        "image": container.get("image", ""),
        "imageID": instance.image_id if instance else "",
        "ready": _ready(pod, container, instance, seen),
        "started": instance is not None and is_running(instance) and instance.id not in seen.health.starting,
        "restartCount": restarts(instance) if instance else 0,
    }
    if instance is not None and instance.id:
        status["containerID"] = f"{RUNTIME}://{instance.id}"
    status["state"] = state = _state(pod, container, instance, seen, phase)
    if last := _last_end(name, instance, seen, state):
        status["lastState"] = {"terminated": last}
    return status


def _is_over(pod: Object, seen: Observed, phase: str) -> bool:
    return phase in ENDED or is_deleting(pod) or seen.gone or seen.verdict is not None


def _as_last_known(old: Object) -> Object:
    """The entry of a container that was removed after the pod's end: as it ended."""
    return {**old, "ready": False, "started": False, "state": {"terminated": last_end(old)}}


def _ready(pod: Object, container: Object, instance: ContainerState | None, seen: Observed) -> bool:
    if instance is None:
        return False
    if find_by_name(pods.init_containers(pod), container["name"]) and not pods.is_sidecar(container):
        return succeeded(instance)
    probes = seen.health
    return is_running(instance) and instance.id not in probes.starting and instance.id not in probes.unready


def _state(pod: Object, container: Object, instance: ContainerState | None, seen: Observed, phase: str) -> Object:
    if instance is None:
        return {"waiting": _not_yet(pod, container, seen)}
    if is_running(instance):
        return {"running": {"startedAt": rfc3339(instance.started_at)}}
    if _is_over(pod, seen, phase) or not restarts_again(pod, container, instance):
        return {"terminated": _end(instance, seen)}
    if setback := _setback(container["name"], seen):
        return {"waiting": setback}
    wait = back_off(instance, seen.steady, container["name"])
    if not wait or changed(container, instance):
        return {"terminated": _end(instance, seen)}
    if first_start_failure(instance):
        return {"waiting": {"reason": "RunContainerError", "message": instance.error}}
    return {
        "waiting": {
            "reason": "CrashLoopBackOff",
            "message": back_off_message(pod, container["name"], wait),
        }
    }


def _not_yet(pod: Object, container: Object, seen: Observed) -> Object:
    if setback := _setback(container["name"], seen):
        return setback
    app = find_by_name(pods.init_containers(pod), container["name"]) is None
    return {"reason": "PodInitializing" if app and next_init(pod, seen) else "ContainerCreating"}


def _setback(name: str, seen: Observed) -> Object | None:
    for slot in (EnsureImage(name).slot, name):
        setback = seen.setbacks.get(slot)
        if setback is not None and isinstance(setback.action, EnsureImage | CreateContainer):
            return {"reason": setback.reason, "message": setback.message}
    return None


def _last_end(name: str, instance: ContainerState | None, seen: Observed, state: Object) -> Object | None:
    """How the instance before the one in `state` ended, or None."""
    if "waiting" in state:
        return None if instance is None else _end(instance, seen)
    before = next((i for i in seen.instances(name) if i is not instance and not is_live(i)), None)
    if before is not None:
        return _terminated(before)
    old = seen.old_status(name) or {}
    if instance is not None and old.get("containerID") == f"{RUNTIME}://{instance.id}":
        return (old.get("lastState") or {}).get("terminated")
    return last_end(old)


def _end(instance: ContainerState, seen: Observed) -> Object:
    """The instance's end; of one that the engine has no more, as it is remembered."""
    known = None if instance.id else last_end(seen.old_status(instance.labels[LABEL_CONTAINER]) or {})
    return known or _terminated(instance)


def _terminated(instance: ContainerState) -> Object:
    """One that could not be started has the epoch as its start, as in Kubernetes."""
    end: Object = {
        "exitCode": instance.exit_code,
        "reason": _end_reason(instance),
        "startedAt": rfc3339(instance.started_at),
        "finishedAt": rfc3339(ended_at(instance)),
    }
    if instance.error:
        end["message"] = instance.error
    if instance.id:
        end["containerID"] = f"{RUNTIME}://{instance.id}"
    return end


def _end_reason(instance: ContainerState) -> str:
    if instance.oom_killed:
        return "OOMKilled"
    if start_failed(instance):
        return "StartError"
    return "Completed" if succeeded(instance) else "Error"
