"""What becomes of an object when its owners go. Pure.

Background: dependents go after their last owner. Foreground: the owner waits, marked by a finalizer, for the
dependents that block it. Orphan: the owner waits until its dependents have forgotten it. An object with an owner that
is there, and stays, is never deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.api.meta import Object, finalizers, is_deleting, owner_references, uid
from orchestrator.controllers.claim import without_owner

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"

#: Of an owner: it is there (or nobody can tell), it is gone for sure, or it waits for this dependent to go first.
State = Literal["live", "absent", "waiting"]


@dataclass(frozen=True, slots=True)
class Plan:
    """At most one thing to do with the object itself, and `revisit`: others to look at."""

    #: A propagation policy: delete it so.
    delete: str = ""
    #: Objects to write, in this order: dependents first, the object itself last.
    write: Sequence[Object] = ()
    revisit: Sequence[Object] = field(default=())


def plan(
    obj: Object,
    owners: Mapping[str, State],
    dependents: Sequence[Object],
    dependents_of: Callable[[Object], Iterable[Object]],
) -> Plan:
    """`owners` are the states of the owners that `obj` refers to, by uid; `dependents` the objects that refer to it.

    `dependents_of` tells those of other objects.
    """
    others = [dependent for dependent in dependents if uid(dependent) != uid(obj)]
    if is_deleting(obj):
        return _plan_deleting(obj, others, dependents_of)
    states = set(owners.values())
    if not states:
        return Plan()
    if "live" in states:
        gone = [owner for owner, state in owners.items() if state != "live"]
        return Plan(write=[without_owner(obj, *gone)]) if gone else Plan()
    if "waiting" not in states or not others:
        return Plan(delete=_policy(obj))
    if any(waits_for_dependents(dependent) for dependent in others):
        # A circle: each would wait for the other. Nobody waits for this one any more.
        return Plan(write=[_unblocked(obj)])
    return Plan(delete="Foreground")


def orphans(obj: Object) -> bool:
    """Whether it goes when its dependents have forgotten it."""
    return is_deleting(obj) and ORPHAN in finalizers(obj)


def _plan_deleting(
    obj: Object, dependents: Sequence[Object], dependents_of: Callable[[Object], Iterable[Object]]
) -> Plan:
    if orphans(obj):
        return Plan(write=[*(without_owner(each, uid(obj)) for each in dependents), without_finalizer(obj, ORPHAN)])
    if FOREGROUND not in finalizers(obj):
        return Plan()
    blocking = _blocking(obj, dependents)
    if not blocking:
        return Plan(write=[without_finalizer(obj, FOREGROUND)])
    return Plan(write=[_unblocked(obj)]) if _waits_for_itself(obj, dependents_of) else Plan(revisit=blocking)


def _blocking(obj: Object, dependents: Iterable[Object]) -> list[Object]:
    """The dependents that the object waits for."""
    return [each for each in dependents if any(blocks(ref, obj) for ref in owner_references(each))]


def _waits_for_itself(obj: Object, dependents_of: Callable[[Object], Iterable[Object]]) -> bool:
    """Whether what it waits for waits, at last, for it."""
    seen: set[str] = set()
    left = [obj]
    while left:
        waiting = left.pop()
        for each in _blocking(waiting, dependents_of(waiting)):
            if uid(each) == uid(obj) and waiting is not obj:
                return True
            if uid(each) not in seen and waits_for_dependents(each):
                seen.add(uid(each))
                left.append(each)
    return False


def waits_for_dependents(obj: Object) -> bool:
    return is_deleting(obj) and FOREGROUND in finalizers(obj)


def blocks(reference: Object, owner: Object) -> bool:
    return reference.get("uid") == uid(owner) and bool(reference.get("blockOwnerDeletion"))


def _policy(obj: Object) -> str:
    """A wish for its own dependents that the object carries already is kept."""
    if ORPHAN in finalizers(obj):
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers(obj) else "Background"


def without_finalizer(obj: Object, finalizer: str) -> Object:
    kept = [other for other in finalizers(obj) if other != finalizer]
    return {**obj, "metadata": {**obj["metadata"], "finalizers": kept}}


def _unblocked(obj: Object) -> Object:
    wanted = deepcopy(obj)
    for reference in owner_references(wanted):
        reference["blockOwnerDeletion"] = False
    return wanted
