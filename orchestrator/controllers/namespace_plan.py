"""How far the deletion of a namespace is, as its conditions tell it. Pure; reasons and sentences are Kubernetes'."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from orchestrator.api.meta import Object, finalizers, set_condition, spec, status
from orchestrator.api.times import rfc3339

#: The namespace's own finalizer: while it is there the namespace is kept, for its content to be removed first.
FINALIZER = "kubernetes"


@dataclass(slots=True)
class Remains:
    """What is left after everything was asked to go: counts by resource and by finalizer, and what failed."""

    resources: Counter[str] = field(default_factory=Counter)
    finalizers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def none(self) -> bool:
        return not self.resources and not self.failures

    def add(self, resource: str, objects: Iterable[Object]) -> None:
        for obj in objects:
            self.resources[resource] += 1
            self.finalizers.update(finalizers(obj))


def next_status(namespace: Object, remains: Remains, now: float) -> Object:
    fresh = deepcopy(status(namespace))
    fresh["phase"] = "Terminating"
    conditions = fresh.setdefault("conditions", [])
    for condition in _conditions(remains):
        set_condition(conditions, condition, rfc3339(now))
    return fresh


def _conditions(remains: Remains) -> Sequence[Object]:
    failed = "; ".join(remains.failures)
    left = _listing("{0} has {1} resource instances", remains.resources)
    held = _listing("{0} in {1} resource instances", remains.finalizers)
    return (
        _condition("DeletionDiscoveryFailure", "", "", "ResourcesDiscovered", "All resources successfully discovered"),
        _condition(
            "DeletionGroupVersionParsingFailure",
            "",
            "",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        _condition(
            "DeletionContentFailure",
            "ContentDeletionFailed",
            failed and f"Failed to delete all resource types, {len(remains.failures)} remaining: {failed}",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        _condition(
            "ContentRemaining",
            "SomeResourcesRemain",
            left and f"Some resources are remaining: {left}",
            "ContentRemoved",
            "All content successfully removed",
        ),
        _condition(
            "FinalizersRemaining",
            "SomeFinalizersRemain",
            held and f"Some content in the namespace has finalizers remaining: {held}",
            "ContentHasNoFinalizers",
            "All content-preserving finalizers finished",
        ),
    )


def _condition(kind: str, bad_reason: str, bad: str, good_reason: str, good: str) -> Object:
    """True with `bad`, when there is something bad to say."""
    state = {"status": "True", "reason": bad_reason, "message": bad}
    if not bad:
        state = {"status": "False", "reason": good_reason, "message": good}
    return {"type": f"Namespace{kind}", **state}


def _listing(sentence: str, counts: Mapping[str, int]) -> str:
    return ", ".join(sentence.format(name, count) for name, count in sorted(counts.items()))


def finalized(namespace: Object) -> Object:
    """The namespace without its own finalizer, for the finalize subresource."""
    kept = [finalizer for finalizer in spec(namespace).get("finalizers") or [] if finalizer != FINALIZER]
    return {**namespace, "spec": {**spec(namespace), "finalizers": kept}}
