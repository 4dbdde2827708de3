"""ControllerRevisions: what the template of a StatefulSet or DaemonSet was at one time, for rollouts and `kubectl
rollout undo`. Pure.

The newest template's revision has the highest number, so that going back to an old template gives its revision a new
number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass

from orchestrator.api.groups.apps import CONTROLLER_REVISION
from orchestrator.api.meta import (
    Object,
    controller_of,
    labels,
    name,
    namespace,
    owner_reference,
    spec,
    uid,
)
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.controllers.deployment_revision import template_hash

#: On a pod: the revision whose template it was made from.
POD_REVISION = "controller-revision-hash"
#: Characters that an owner's name adds to its revisions' names at most.
_LONGEST_PREFIX = 223


@dataclass(frozen=True, slots=True)
class Target:
    """The revision of the owner's template: `found`, unless it is new, to have the number `number`."""

    found: Object | None
    number: int


def data_of(owner: Object) -> Object:
    """What a revision keeps: a strategic merge patch that brings the template back."""
    return {"spec": {"template": {**deepcopy(spec(owner).get("template") or {}), "$patch": "replace"}}}


def template_of(revision: Object) -> Object:
    template = deepcopy(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return dict(template)


def ordered(revisions: Iterable[Object]) -> list[Object]:
    """Oldest first."""

    def age(revision: Object) -> tuple[int, str, str]:
        return number_of(revision), revision["metadata"].get("creationTimestamp") or "", name(revision)

    return sorted(revisions, key=age)


def number_of(revision: Object) -> int:
    return int(revision.get("revision") or 0)


def target(owner: Object, revisions: Sequence[Object]) -> Target:
    """`revisions` are the owner's, oldest first."""
    data = data_of(owner)
    found = next((revision for revision in reversed(revisions) if revision.get("data") == data), None)
    if found is not None and found is revisions[-1]:
        return Target(found, number_of(found))
    return Target(found, number_of(revisions[-1]) + 1 if revisions else 1)


def duplicates(revisions: Sequence[Object], kept: Object) -> list[Object]:
    """Other revisions of the same template as `kept`."""
    return [each for each in revisions if name(each) != name(kept) and each.get("data") == kept.get("data")]


def new_revision(owner: Object, number: int, collisions: int, hash_label: str) -> Object:
    """`collisions` counts how often another template had the same hash."""
    data = data_of(owner)
    template = spec(owner).get("template") or {}
    hashed = template_hash(template, collisions)
    return {
        "apiVersion": CONTROLLER_REVISION.api_version,
        "kind": CONTROLLER_REVISION.kind,
        "metadata": {
            "name": f"{name(owner)[:_LONGEST_PREFIX]}-{hashed}",
            "namespace": namespace(owner),
            "labels": {**((template.get("metadata") or {}).get("labels") or {}), hash_label: hashed},
            "annotations": dict(annotations_of(owner)),
            "ownerReferences": [owner_reference(owner)],
        },
        "data": data,
        "revision": number,
    }


def outdated(owner: Object, revisions: Sequence[Object], live: Collection[str]) -> list[Object]:
    """Revisions beyond `revisionHistoryLimit`, oldest first; those named in `live` are in use, and stay uncounted. A
    negative limit keeps all."""
    limit = spec(owner).get("revisionHistoryLimit")
    limit = 10 if limit is None else int(limit)
    history = [revision for revision in revisions if name(revision) not in live]
    return history[: max(0, len(history) - limit)] if limit >= 0 else []


def is_owned_by(revision: Object, owner: Object) -> bool:
    return (controller_of(revision) or {}).get("uid") == uid(owner)


def revision_label(obj: Object) -> str:
    """The revision that a pod says it was made from."""
    return labels(obj).get(POD_REVISION, "")
