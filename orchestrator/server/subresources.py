"""Subresources that are commands: a pod's binding, a namespace's finalize."""

from __future__ import annotations

from orchestrator.api.errors import BadRequest
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, is_deleting, metadata, name, set_condition, uid
from orchestrator.api.request import Request, User
from orchestrator.api.times import rfc3339
from orchestrator.server.backend import Backend
from orchestrator.server.conflicts import conflict
from orchestrator.server.ownership import kept
from orchestrator.server.results import DONE, Single
from orchestrator.server.update import change, put


def _whole(_kind: Kind, new: Object, _old: Object) -> Object:
    return new


def bind(backend: Backend, request: Request, user: User) -> Single:
    """POST of a Binding: the pod gets its node. Raises Conflict when it has one, or is being deleted."""
    binding = request.body
    node = _target(binding)

    def bound(pod: Object) -> tuple[Object, list[str]]:
        _check_bindable(request, pod, binding)
        pod["spec"]["nodeName"] = node
        if annotations := metadata(binding).get("annotations"):
            metadata(pod).setdefault("annotations", {}).update(annotations)
        conditions = pod.setdefault("status", {}).setdefault("conditions", [])
        set_condition(conditions, {"type": "PodScheduled", "status": "True"}, rfc3339(backend.clock.now()))
        return pod, []

    change(backend, request, user, bound, _whole, kept)
    return DONE


def _target(binding: object) -> str:
    target = binding.get("target") if isinstance(binding, dict) else None
    node = target.get("name") if isinstance(target, dict) else None
    if not isinstance(node, str) or not node:
        raise BadRequest("a Binding needs target.name, the name of a node")
    return node


def _check_bindable(request: Request, pod: Object, binding: Object) -> None:
    wanted = uid(binding)
    if wanted and wanted != uid(pod):
        why = f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid(pod)}"
    elif is_deleting(pod):
        why = f"pod {name(pod)} is being deleted, cannot be assigned to a host"
    elif node := (pod.get("spec") or {}).get("nodeName"):
        why = f'pod {name(pod)} is already assigned to node "{node}"'
    else:
        return
    raise conflict(request.kind, name(pod), why, subresource="binding")


def _finalizers_part(_kind: Kind, new: Object, old: Object) -> Object:
    wanted = (new.get("spec") or {}).get("finalizers") or []
    return {**old, "spec": {**(old.get("spec") or {}), "finalizers": wanted}}


def finalize(backend: Backend, request: Request, user: User) -> Single:
    """PUT of an object with other `spec.finalizers`; when none is left, and it is being deleted, it goes."""
    return change(backend, request, user, put(request), _finalizers_part)
