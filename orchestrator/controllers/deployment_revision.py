"""Which ReplicaSet stands for a Deployment's template, under which name and revision. Pure.

A revision is a number in an annotation: the newest template's is one above all others, so that going back to an old
template (`kubectl rollout undo`) gives the ReplicaSet that has it a new revision.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

import orjson

from orchestrator.api.meta import Object, name, namespace, owner_reference, spec, status
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.controllers.deployment_sizes import DESIRED_REPLICAS, MAX_REPLICAS, Limits, by_age
from orchestrator.controllers.replicaset_plan import min_ready_seconds

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"

#: Annotations of a Deployment that its ReplicaSets do not inherit.
_NOT_INHERITED = frozenset(
    (
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
    )
)
_HISTORY_LENGTH = 2000
#: No vowels, so no words, and nothing that is misread: Kubernetes' alphabet for generated names.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_HASH_LENGTH = 10


def split(deployment: Object, sets: Iterable[Object]) -> tuple[Object | None, list[Object]]:
    """The new ReplicaSet (the oldest with the Deployment's template) and all others."""
    wanted = _comparable(spec(deployment).get("template"))
    aged = by_age(sets)
    new = next((rs for rs in aged if _comparable(spec(rs).get("template")) == wanted), None)
    return new, [rs for rs in aged if rs is not new]


def same_template(deployment: Object, rs: Object) -> bool:
    return bool(_comparable(spec(deployment).get("template")) == _comparable(spec(rs).get("template")))


def _comparable(template: Object | None) -> Any:
    """The template without its hash label and without empty fields, which mean the same as absent ones."""
    copied = deepcopy(template or {})
    ((copied.get("metadata") or {}).get("labels") or {}).pop(HASH_LABEL, None)
    return _pruned(copied)


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        pruned = {key: _pruned(item) for key, item in value.items()}
        return {key: item for key, item in pruned.items() if item not in (None, {}, [])}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def template_hash(template: Object, collisions: int) -> str:
    """Ten letters that depend on the template only, and on how often another template had the same ones."""
    content = orjson.dumps([_comparable(template), collisions], option=orjson.OPT_SORT_KEYS)
    number = int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
    letters = []
    for _ in range(_HASH_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def revision(obj: Object) -> int:
    """0 when there is none."""
    text = annotations_of(obj).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def next_revision(olds: Sequence[Object]) -> int:
    return max((revision(rs) for rs in olds), default=0) + 1


def new_replica_set(deployment: Object, bounds: Limits, number: int, size: int) -> Object:
    """The ReplicaSet for the Deployment's template, with revision `number` and `size` replicas."""
    template = deepcopy(spec(deployment).get("template") or {})
    hashed = template_hash(template, int(status(deployment).get("collisionCount") or 0))
    meta = template.setdefault("metadata", {})
    meta["labels"] = {**(meta.get("labels") or {}), HASH_LABEL: hashed}
    selector = deepcopy(spec(deployment).get("selector") or {})
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hashed}
    replica_set: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{name(deployment)}-{hashed}",
            "namespace": namespace(deployment),
            "labels": dict(meta["labels"]),
            "annotations": {**inherited(deployment), REVISION: str(number), **sized_for(bounds)},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {"replicas": size, "selector": selector, "template": template},
    }
    if seconds := min_ready_seconds(deployment):
        replica_set["spec"]["minReadySeconds"] = seconds
    return replica_set


def inherited(deployment: Object) -> dict[str, str]:
    return {key: value for key, value in annotations_of(deployment).items() if key not in _NOT_INHERITED}


def sized_for(bounds: Limits) -> dict[str, str]:
    """The annotations that remember what a ReplicaSet was sized for."""
    return {DESIRED_REPLICAS: str(bounds.replicas), MAX_REPLICAS: str(bounds.most)}


def promoted(rs: Object, deployment: Object, number: int) -> dict[str, str]:
    """The annotations of the new ReplicaSet: the Deployment's, and revision `number` unless its own is higher. The
    revision it had before goes to its history."""
    wanted = {**annotations_of(rs), **inherited(deployment)}
    before = revision(rs)
    if before >= number:
        return wanted
    wanted[REVISION] = str(number)
    if before:
        wanted[REVISION_HISTORY] = _remember(wanted.get(REVISION_HISTORY, ""), str(before))
    return wanted


def _remember(history: str, number: str) -> str:
    """Append to a comma-separated list, forgetting the oldest when it grows too long."""
    numbers = [*(history.split(",") if history else []), number]
    while len(",".join(numbers)) > _HISTORY_LENGTH:
        numbers.pop(0)
    return ",".join(numbers)


def outdated(deployment: Object, olds: Iterable[Object]) -> list[Object]:
    """Old ReplicaSets beyond `revisionHistoryLimit`: the lowest revisions first, and only those that are empty, as
    seen by their controller."""
    limit = spec(deployment).get("revisionHistoryLimit")
    alive = [rs for rs in olds if not rs["metadata"].get("deletionTimestamp")]
    surplus = len(alive) - (10 if limit is None else int(limit))
    return [rs for rs in sorted(alive, key=revision)[: max(0, surplus)] if _is_empty(rs)]


def _is_empty(rs: Object) -> bool:
    seen = int(status(rs).get("observedGeneration") or 0)
    behind = int(rs["metadata"].get("generation") or 0) > seen
    return not spec(rs).get("replicas") and not status(rs).get("replicas") and not behind
