"""The rules of a status that counts replicas."""

from __future__ import annotations

from orchestrator.api.checks import Errors, not_negative
from orchestrator.api.errors import invalid
from orchestrator.api.meta import Object


def consistent(new: Object, old: Object, *parts: str) -> Errors:
    """Each of `parts` counts some of `replicas`, and what is available is ready too."""
    yield from counts(new, old, "replicas", *parts)
    whole = new.get("replicas") or 0
    for part in parts:
        if (new.get(part) or 0) > whole:
            yield invalid(f"status.{part}", new[part], "cannot be greater than status.replicas")
    available = new.get("availableReplicas") or 0
    if available > (new.get("readyReplicas") or 0):
        yield invalid("status.availableReplicas", available, "cannot be greater than status.readyReplicas")


def counts(new: Object, old: Object, *fields: str) -> Errors:
    """None is below zero, and the count of hash collisions never falls: old names would come again."""
    yield from not_negative(new, "status", *fields, "observedGeneration", "collisionCount")
    collisions = new.get("collisionCount") or 0
    if collisions < (old.get("collisionCount") or 0):
        yield invalid("status.collisionCount", collisions, "cannot be decremented")
