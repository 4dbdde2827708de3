"""A workload's revisions: a Deployment's ReplicaSets; a DaemonSet's or StatefulSet's ControllerRevisions. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from orchestrator.api import meta
from orchestrator.api.meta import Object
from orchestrator.api.request import JSON_PATCH, STRATEGIC_PATCH
from orchestrator.cli.failure import Failure

_REVISION = "deployment.kubernetes.io/revision"
_CHANGE_CAUSE = "kubernetes.io/change-cause"
_HASH = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Revision:
    """`template` is a pod template; `patch` with its content type brings the workload back to it."""

    number: int
    cause: str
    template: Object
    patch: Any
    content_type: str


def revisions(workload: Object, candidates: Iterable[Object]) -> list[Revision]:
    """Of those candidates that `workload` controls, the oldest first."""
    make = _of_replica_set if workload["kind"] == "Deployment" else _of_controller_revision
    own = [obj for obj in candidates if (meta.controller_of(obj) or {}).get("uid") == meta.uid(workload)]
    return sorted((make(obj) for obj in own), key=lambda revision: revision.number)


def _of_replica_set(obj: Object) -> Revision:
    template = meta.spec(obj)["template"]
    labels = {key: value for key, value in meta.labels(template).items() if key != _HASH}
    template = {**template, "metadata": {**meta.metadata(template), "labels": labels}}
    annotations = meta.annotations(obj)
    patch = [{"op": "replace", "path": "/spec/template", "value": template}]
    number = int(annotations.get(_REVISION) or 0)
    return Revision(number, annotations.get(_CHANGE_CAUSE, ""), template, patch, JSON_PATCH)


def _of_controller_revision(obj: Object) -> Revision:
    """Its data is a strategic merge patch of the workload."""
    data: Object = obj.get("data") or {}
    template = {key: value for key, value in meta.spec(data).get("template", {}).items() if key != "$patch"}
    cause = meta.annotations(obj).get(_CHANGE_CAUSE, "")
    return Revision(int(obj["revision"]), cause, template, data, STRATEGIC_PATCH)


def find(found: list[Revision], number: int) -> Revision:
    """Revision `number`; with 0, the one before the current. Raises Failure."""
    if number:
        wanted = next((revision for revision in found if revision.number == number), None)
        if wanted is None:
            raise Failure(f"unable to find specified revision {number} in history")
        return wanted
    if len(found) < 2:
        raise Failure("no rollout history found: there is no revision to go back to")
    return found[-2]
