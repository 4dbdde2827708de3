"""The `eviction` subresource: a deletion that no PodDisruptionBudget minds.

A budget is asked by writing its status over the version that was read, so that of evictions at the same time each one
counts. What it allows is decided in `orchestrator.api.disruptions`.
"""

from __future__ import annotations

from dataclasses import replace

from orchestrator.api import disruptions
from orchestrator.api.errors import BadRequest, Conflict, InternalError, Timeout
from orchestrator.api.groups.policy import POD_DISRUPTION_BUDGET
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, labels, name, namespace, resource_version, set_condition, spec
from orchestrator.api.pods import is_ready, phase
from orchestrator.api.request import Request, User
from orchestrator.api.selectors import label_selector
from orchestrator.api.times import rfc3339
from orchestrator.server import keys
from orchestrator.server.backend import Backend
from orchestrator.server.conflicts import ATTEMPTS, conflict
from orchestrator.server.delete import check_preconditions, remove
from orchestrator.server.options import DeleteOptions, delete_options
from orchestrator.server.ownership import kept
from orchestrator.server.results import DONE, Single
from orchestrator.server.update import change
from orchestrator.store.base import RevisionConflict

_TARGET = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
}


def evict(backend: Backend, request: Request, user: User) -> Single:
    """POST of an Eviction (policy/v1). Raises NotFound, Conflict, TooManyRequests (a budget does not allow it)."""
    deletion = _deletion(request)
    options = delete_options(deletion)
    for _ in range(ATTEMPTS):
        pod = backend.entry(request.kind, request.namespace, request.name).object()
        if not disruptions.is_beyond_budgets(pod):
            _evict_within_budget(backend, deletion, options, pod, user)
            return DONE
        # A pod that waits may begin to serve before it is gone.
        guarded = _only_as(pod, options) if phase(pod) == "Pending" else options
        try:
            _end(backend, deletion, guarded, user)
        except Conflict:
            if guarded is options:
                raise
            continue
        return DONE
    raise conflict(request.kind, request.name)


def _deletion(request: Request) -> Request:
    if not isinstance(request.body, dict):
        raise BadRequest("the body must be an Eviction")
    if name(request.body) != request.name:
        raise BadRequest("name in URL does not match name in Eviction object")
    body = request.body.get("deleteOptions") or {}
    return Request("delete", request.kind, request.namespace, request.name, options=request.options, body=body)


def _only_as(pod: Object, options: DeleteOptions) -> DeleteOptions:
    """The options with the condition that the pod has not changed, unless they have one of their own."""
    return options if options.resource_version else replace(options, resource_version=resource_version(pod))


def _evict_within_budget(backend: Backend, deletion: Request, options: DeleteOptions, pod: Object, user: User) -> None:
    budget = _budget(backend, pod)
    if budget is None:
        _end(backend, deletion, options, user)
    elif is_ready(pod) or not disruptions.unhealthy_may_go(budget):
        _take(backend, budget, pod, user, dry_run=options.dry_run)
        _end(backend, deletion, options, user)
    else:
        guarded = _only_as(pod, options)
        try:
            _end(backend, deletion, guarded, user)
        except Conflict:
            if guarded is options:
                raise
            # It may have become healthy: then it counts, and the client has to ask again.
            raise disruptions.being_processed(name(budget)) from None


def _budget(backend: Backend, pod: Object) -> Object | None:
    """The one that selects the pod."""
    page = backend.store.list(keys.prefix(POD_DISRUPTION_BUDGET, namespace(pod)))
    budgets = [entry.object() for entry in page.entries] if labels(pod) else []
    found = [each for each in budgets if label_selector(spec(each).get("selector")).matches(labels(pod))]
    if len(found) > 1:
        raise InternalError(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        )
    return next(iter(found), None)


def _take(backend: Backend, budget: Object, pod: Object, user: User, *, dry_run: bool) -> None:
    kind = POD_DISRUPTION_BUDGET
    for _ in range(ATTEMPTS):
        current = backend.entry(kind, namespace(budget), name(budget))
        taken = disruptions.taken(current.object(), name(pod), backend.clock.now())
        if dry_run:
            return
        try:
            backend.write(kind, current, taken, user).wait()
        except RevisionConflict:
            continue
        return
    raise Timeout(
        f'couldn\'t update PodDisruptionBudget "{name(budget)}" due to conflicts', details={"retryAfterSeconds": 10}
    )


def _end(backend: Backend, deletion: Request, options: DeleteOptions, user: User) -> None:
    """Say in a condition of the pod why it goes, and delete it. Raises Conflict when a condition of the options does
    not hold."""

    def doomed(pod: Object) -> tuple[Object, list[str]]:
        check_preconditions(deletion.kind, pod, options)
        conditions = pod.setdefault("status", {}).setdefault("conditions", [])
        set_condition(conditions, dict(_TARGET), rfc3339(backend.clock.now()))
        return pod, []

    if not options.dry_run:
        marking = replace(deletion, verb="update", subresource="status")
        marked = change(backend, marking, user, doomed, _status_only, kept).object()
        if options.resource_version:
            options = replace(options, resource_version=resource_version(marked))
    remove(backend, deletion, options, user)


def _status_only(_kind: Kind, new: Object, old: Object) -> Object:
    return {**old, "status": new["status"]}
