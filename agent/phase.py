"""The phase of a pod, as Kubernetes defines it. Pure."""

from __future__ import annotations

from agent.observed import Observed, is_live, is_running, restarts, start_failed, succeeded
from agent.podspec import all_containers, restart_policy
from agent.restarts import restarts_again
from agent.runtime.base import ContainerState
from orchestrator.api import pods
from orchestrator.api.meta import Object, is_deleting, spec
from orchestrator.api.times import parse

ENDED = ("Succeeded", "Failed")


def initialized(pod: Object, seen: Observed) -> bool:
    """Every init container of the present sandbox has done its part: app containers may run."""
    return next_init(pod, seen) is None


def next_init(pod: Object, seen: Observed) -> Object | None:
    """The init container that others wait for, or None."""
    inits = pods.init_containers(pod)
    if not inits or app_started(pod, seen):
        return None
    return next((init for init in inits if not _init_done(init, seen)), None)


def app_started(pod: Object, seen: Observed) -> bool:
    """Whether an app container was ever made in the present sandbox: then initialization is behind it."""
    instances = (seen.newest(container["name"]) for container in pods.containers(pod))
    return any(instance is not None and seen.in_sandbox(instance) for instance in instances)


def _init_done(init: Object, seen: Observed) -> bool:
    instance = seen.newest(init["name"])
    if instance is None or not seen.in_sandbox(instance):
        return False
    if pods.is_sidecar(init):
        return is_running(instance) and instance.id not in seen.health.starting | seen.hooking
    return succeeded(instance)


def past_deadline(pod: Object, seen: Observed, now: float) -> bool:
    deadline = deadline_at(pod, seen)
    return deadline is not None and now >= deadline


def deadline_at(pod: Object, seen: Observed) -> float | None:
    """When `activeDeadlineSeconds` are over, or None."""
    allowed, start = spec(pod).get("activeDeadlineSeconds"), seen.status.get("startTime")
    return parse(start) + float(allowed) if allowed is not None and start else None


def phase(pod: Object, seen: Observed, now: float) -> str:
    """Pending, Running, Succeeded or Failed. The last two are final."""
    if seen.status.get("phase") in ENDED:
        return str(seen.status["phase"])
    if seen.verdict is not None or past_deadline(pod, seen, now):
        return "Failed"
    existing = [i for i in (seen.newest(c["name"]) for c in pods.containers(pod)) if i is not None]
    complete = len(existing) == len(pods.containers(pod))
    if complete and all(map(_ended, existing)) and _for_good(pod, seen):
        return "Succeeded" if all(map(succeeded, existing)) else "Failed"
    if restart_policy(pod) == "Never" and _lost(pod, seen):
        return "Failed"
    waiting_for = next_init(pod, seen)
    if waiting_for is not None:
        return "Failed" if restart_policy(pod) == "Never" and _init_failed(waiting_for, seen) else "Pending"
    return "Running" if complete and not any(map(_first_start, existing)) else "Pending"


def _for_good(pod: Object, seen: Observed) -> bool:
    """Whether no app container, all of which have ended, is to run again."""
    if is_deleting(pod) or seen.gone:
        return True
    pairs = ((container, seen.newest(container["name"])) for container in pods.containers(pod))
    return not any(restarts_again(pod, container, instance) for container, instance in pairs if instance is not None)


def _init_failed(init: Object, seen: Observed) -> bool:
    instance = seen.newest(init["name"])
    return instance is not None and not pods.is_sidecar(init) and _ended(instance) and not succeeded(instance)


def _lost(pod: Object, seen: Observed) -> bool:
    """Whether it had containers, and its sandbox went from under them: a pod that never restarts ends so."""
    if seen.sandbox is not None and is_live(seen.sandbox):
        return False
    instances = [i for i in (seen.newest(c["name"]) for c in all_containers(pod)) if i is not None]
    return bool(instances) and all(map(_ended, instances))


def _ended(instance: ContainerState) -> bool:
    return instance.state == "exited" or start_failed(instance)


def _first_start(instance: ContainerState) -> bool:
    return instance.state == "created" and not start_failed(instance) and restarts(instance) == 0
