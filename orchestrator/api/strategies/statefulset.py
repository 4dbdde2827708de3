"""StatefulSet."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.checks import Errors, not_negative, one_of
from orchestrator.api.defaults import default_claim, fill
from orchestrator.api.errors import FieldError, forbidden, invalid, required
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.names import dns_label
from orchestrator.api.podspec.spec import template_metadata
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, created
from orchestrator.api.strategies.shares import is_zero, no_more_than_all, share
from orchestrator.api.strategies.status_rules import consistent
from orchestrator.api.strategies.workload import CONTAINER_COLUMNS, ReplicatedStrategy, container_cells

_SPEC = {"podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10}
_RETENTION = {"whenDeleted": "Retain", "whenScaled": "Retain"}
_CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
#: What may change: the pods' number and look, and how they are replaced. Their identity and claims may not.
_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_UPDATES = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
_NEGATIVE_LIMIT = (
    "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
)
_STATUS_PARTS = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")


class StatefulSetStrategy(ReplicatedStrategy):
    columns = (NAME, Column("Ready"), AGE, *CONTAINER_COLUMNS)
    noun = "statefulset"
    template_noun = "StatefulSet"

    def name_problems(self, name: str) -> list[str]:
        """The name is the beginning of the pods' host names."""
        return dns_label(name)

    def default(self, obj: Object) -> None:
        super().default(obj)
        fill(obj["spec"], _SPEC)
        strategy = obj["spec"].setdefault("updateStrategy", {})
        if not strategy.get("type"):
            strategy["type"] = "RollingUpdate"
            strategy.setdefault("rollingUpdate", {})
        if strategy["type"] == "RollingUpdate" and "rollingUpdate" in strategy:
            fill(strategy["rollingUpdate"], {"partition": 0})
        fill(obj["spec"].setdefault("persistentVolumeClaimRetentionPolicy", {}), _RETENTION)
        for claim in obj["spec"].get("volumeClaimTemplates") or []:
            claim.update(_CLAIM)
            default_claim(claim)

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"replicas": 0, "availableReplicas": 0}

    def validate(self, obj: Object) -> list[FieldError]:
        sets = spec(obj)
        return [
            *_pod_management(sets.get("podManagementPolicy"), "spec.podManagementPolicy"),
            *_strategy(sets.get("updateStrategy") or {}, "spec.updateStrategy"),
            *_retention(sets.get("persistentVolumeClaimRetentionPolicy"), "spec.persistentVolumeClaimRetentionPolicy"),
            *not_negative(sets.get("ordinals") or {}, "spec.ordinals", "start"),
            *super().validate(obj),
        ]

    def validate_template(self, template: Object, field: str) -> Errors:
        """Its spec cannot be judged here: it mounts the volumes of claims that are yet to be made."""
        return template_metadata(template, field)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return [] if _identity(new) == _identity(old) else [forbidden("spec", _UPDATES)]

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(consistent(status(new), status(old), *_STATUS_PARTS))

    def warnings(self, obj: Object) -> list[str]:
        return [_NEGATIVE_LIMIT] if (spec(obj).get("revisionHistoryLimit") or 0) < 0 else []

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (
            name(obj),
            f"{status(obj).get('readyReplicas') or 0}/{spec(obj).get('replicas') or 0}",
            created(obj, now),
            *container_cells(spec(obj).get("template") or {}),
        )


def _identity(obj: Object) -> Object:
    return {field: value for field, value in spec(obj).items() if field not in _MUTABLE}


def _pod_management(policy: str | None, field: str) -> Errors:
    if not policy:
        yield required(field)
    elif policy not in ("OrderedReady", "Parallel"):
        yield invalid(field, policy, "must be 'OrderedReady' or 'Parallel'")


def _strategy(strategy: Object, field: str) -> Errors:
    rolling = strategy.get("rollingUpdate")
    match strategy.get("type") or "":
        case "":
            yield required(field)
        case "OnDelete":
            if rolling is not None:
                yield invalid(f"{field}.rollingUpdate", rolling, "only allowed for updateStrategy 'RollingUpdate'")
        case "RollingUpdate":
            yield from _rolling_update(rolling or {}, f"{field}.rollingUpdate")
        case _:
            yield invalid(field, strategy, "must be 'RollingUpdate' or 'OnDelete'")


def _rolling_update(rolling: Object, field: str) -> Errors:
    yield from not_negative(rolling, field, "partition")
    unavailable, path = rolling.get("maxUnavailable"), f"{field}.maxUnavailable"
    if unavailable is not None:
        yield from share(unavailable, path)
        if is_zero(unavailable):
            yield invalid(path, unavailable, "cannot be 0")
        yield from no_more_than_all(unavailable, path)


def _retention(policy: Object | None, field: str) -> Errors:
    for when in _RETENTION:
        yield from one_of(f"{field}.{when}", (policy or {}).get(when), ("Retain", "Delete"))
