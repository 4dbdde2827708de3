"""Whether a container that ended is started again, and when. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from agent.observed import Observed, ended_at, made_from, restarts, start_failed, succeeded
from agent.podspec import find_by_name, restart_policy
from agent.runtime import limits
from agent.runtime.base import ContainerState
from agent.runtime.translate import spec_hash
from orchestrator.api import pods
from orchestrator.api.meta import Object, name, namespace, uid
from orchestrator.api.podspec.resizing import restarts_for
from orchestrator.api.times import duration

#: Seconds before the second restart; doubles with each further one up to LONGEST. The first comes at once.
FIRST = 10.0
LONGEST = 300.0
#: A container that ran this long starts its back-off anew.
STEADY = 600.0


def restarts_again(pod: Object, container: Object, ended: ContainerState) -> bool:
    """Whether the restart policy wants a container that ended so to run again."""
    if find_by_name(pods.ephemeral_containers(pod), container["name"]):
        return False
    policy = restart_policy(pod)
    failed = not succeeded(ended)
    if find_by_name(pods.init_containers(pod), container["name"]):
        return pods.is_sidecar(container) or (failed and policy != "Never")
    if changed(container, ended):
        return True  # It was stopped for that, and not by its own end.
    return policy == "Always" or (policy == "OnFailure" and failed)


def changed(container: Object, instance: ContainerState) -> bool:
    """Whether the instance was made from another spec than the pod has now, and is no good any more."""
    return redefined(container, instance) or resize_restarts(container, instance)


def redefined(container: Object, instance: ContainerState) -> bool:
    """Its image was changed in place."""
    return made_from(instance) not in ("", spec_hash(container))


def resize_restarts(container: Object, instance: ContainerState) -> bool:
    """It was resized, and wants to be started anew for that."""
    return any(restarts_for(container, resource) for resource in limits.unlike(container, instance.resources))


def ran_steadily(ended: ContainerState) -> bool:
    return ended.started_at > 0 and ended_at(ended) - ended.started_at >= STEADY


def back_off(ended: ContainerState, steady: Mapping[str, int], container: str) -> float:
    """Seconds to wait, from its end, before a container is started again; 0 for at once."""
    crashes = 0 if ran_steadily(ended) else restarts(ended) - steady.get(container, 0)
    if crashes <= 0:
        return 0.0
    return min(FIRST * 2.0 ** min(crashes - 1, 16), LONGEST)


def restart_at(container: Object, ended: ContainerState, seen: Observed) -> float:
    """When the container is due, in seconds since the epoch."""
    if changed(container, ended):
        return 0.0
    return ended_at(ended) + back_off(ended, seen.steady, container["name"])


def back_off_message(pod: Object, container: str, seconds: float) -> str:
    """`back-off 1m20s restarting failed container=app pod=web_default(UID)`."""
    where = f"{name(pod)}_{namespace(pod)}({uid(pod)})"
    return f"back-off {duration(int(seconds))} restarting failed container={container} pod={where}"


def first_start_failure(ended: ContainerState) -> bool:
    """Whether the engine's own message is worth more than `CrashLoopBackOff`: it failed to start, and not yet often."""
    return start_failed(ended) and restarts(ended) <= 1
