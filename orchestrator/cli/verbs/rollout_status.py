"""How far a rollout is, in kubectl's sentences. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.api import meta
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure


@dataclass(frozen=True, slots=True)
class Progress:
    sentence: str
    done: bool = False


def deployment(obj: Object) -> Progress:
    """Raises Failure when the rollout's deadline has passed."""
    name, status = meta.name(obj), meta.status(obj)
    wanted = int(meta.spec(obj).get("replicas", 1))
    updated, replicas = int(status.get("updatedReplicas", 0)), int(status.get("replicas", 0))
    available = int(status.get("availableReplicas", 0))
    waiting = f'Waiting for deployment "{name}" rollout to finish: '
    if (meta.condition(obj, "Progressing") or {}).get("reason") == "ProgressDeadlineExceeded":
        raise Failure(f'deployment "{name}" exceeded its progress deadline')
    if updated < wanted:
        return Progress(f"{waiting}{updated} out of {wanted} new replicas have been updated...")
    if replicas > updated:
        return Progress(f"{waiting}{replicas - updated} old replicas are pending termination...")
    if available < updated:
        return Progress(f"{waiting}{available} of {updated} updated replicas are available...")
    return Progress(f'deployment "{name}" successfully rolled out', done=True)


def daemon_set(obj: Object) -> Progress:
    """Raises Failure when the strategy has no rollouts."""
    _check_rolling(obj)
    name, status = meta.name(obj), meta.status(obj)
    wanted = int(status.get("desiredNumberScheduled", 0))
    updated, available = int(status.get("updatedNumberScheduled", 0)), int(status.get("numberAvailable", 0))
    waiting = f'Waiting for daemon set "{name}" rollout to finish: '
    if updated < wanted:
        return Progress(f"{waiting}{updated} out of {wanted} new pods have been updated...")
    if available < wanted:
        return Progress(f"{waiting}{available} of {wanted} updated pods are available...")
    return Progress(f'daemon set "{name}" successfully rolled out', done=True)


def stateful_set(obj: Object) -> Progress:
    """Raises Failure when the strategy has no rollouts."""
    strategy = _check_rolling(obj)
    spec, status = meta.spec(obj), meta.status(obj)
    wanted, updated = int(spec.get("replicas", 1)), int(status.get("updatedReplicas", 0))
    if (missing := wanted - int(status.get("readyReplicas", 0))) > 0:
        return Progress(f"Waiting for {missing} pods to be ready...")
    if partition := int((strategy.get("rollingUpdate") or {}).get("partition") or 0):
        new = max(0, wanted - partition)
        if updated < new:
            return Progress(
                f"Waiting for partitioned roll out to finish: {updated} out of {new} new pods have been updated..."
            )
        return Progress(f"partitioned roll out complete: {updated} new pods have been updated...", done=True)
    revision, current = status.get("updateRevision"), int(status.get("currentReplicas", 0))
    if revision != status.get("currentRevision"):
        return Progress(f"waiting for statefulset rolling update to complete {updated} pods at revision {revision}...")
    return Progress(f"statefulset rolling update complete {current} pods at revision {revision}...", done=True)


def _check_rolling(obj: Object) -> Object:
    strategy: Object = meta.spec(obj).get("updateStrategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        raise Failure("rollout status is only available for RollingUpdate strategy type")
    return strategy


_BY_KIND: dict[str, Callable[[Object], Progress]] = {
    "Deployment": deployment,
    "DaemonSet": daemon_set,
    "StatefulSet": stateful_set,
}


def progress(obj: Object) -> Progress:
    """Of a kind that has rollouts. Raises Failure."""
    if meta.generation(obj) > int(meta.status(obj).get("observedGeneration") or 0):
        kind = {"Deployment": "deployment", "DaemonSet": "daemon set", "StatefulSet": "statefulset"}[obj["kind"]]
        return Progress(f"Waiting for {kind} spec update to be observed...")
    return _BY_KIND[obj["kind"]](obj)
