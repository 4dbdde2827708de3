"""Which objects an owner has, which orphans it takes in and which of its own it lets go. Pure.

Labels alone never make ownership: an object belongs to the controller that its owner reference names, and the
selector decides only about orphans and about members that no longer match.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field

from orchestrator.api.meta import (
    Object,
    controller_of,
    finalizers,
    is_deleting,
    labels,
    owner_reference,
    owner_references,
    spec,
    uid,
)
from orchestrator.api.selectors import LabelSelector, label_selector

#: (owner, member): what the owner asks of its members beyond their labels.
Belongs = Callable[[Object, Object], bool]


@dataclass(slots=True)
class Claims:
    """`owned` are members as they are. `adopt` and `release` are wanted versions, to be written over the current
    ones; they keep its resourceVersion, so that a write over a newer one is refused."""

    owned: list[Object] = field(default_factory=list)
    adopt: list[Object] = field(default_factory=list)
    release: list[Object] = field(default_factory=list)


def selector_of(owner: Object) -> LabelSelector:
    """A ReplicationController's selector is older than LabelSelector: a plain map of labels."""
    selector = spec(owner).get("selector")
    return label_selector({"matchLabels": selector} if owner.get("kind") == "ReplicationController" else selector)


def anyone(_owner: Object, _member: Object) -> bool:
    return True


def claim(
    owner: Object,
    selector: LabelSelector,
    candidates: Iterable[Object],
    belongs: Belongs = anyone,
    *,
    finalizer: str = "",
) -> Claims:
    """An owner that is being deleted takes no orphans and lets nothing go: the garbage collector decides then.

    `finalizer` is one that the owner's members carry: it comes with adoption, and goes with release.
    """
    claims = Claims()
    for obj in candidates:
        controller = controller_of(obj)
        matches = selector.matches(labels(obj)) and belongs(owner, obj)
        if controller is not None:
            if controller.get("uid") != uid(owner):
                continue
            if matches or is_deleting(owner):
                claims.owned.append(obj)
            elif not is_deleting(obj):
                claims.release.append(_without_finalizer(without_owner(obj, uid(owner)), finalizer))
        elif matches and not is_deleting(owner) and not is_deleting(obj):
            claims.adopt.append(_with_finalizer(_with_owner(obj, owner), finalizer))
    return claims


def _with_owner(obj: Object, owner: Object) -> Object:
    wanted = deepcopy(obj)
    others = [ref for ref in owner_references(wanted) if ref.get("uid") != uid(owner)]
    wanted["metadata"]["ownerReferences"] = [*others, owner_reference(owner)]
    return wanted


def _with_finalizer(wanted: Object, finalizer: str) -> Object:
    if finalizer and finalizer not in finalizers(wanted):
        wanted["metadata"]["finalizers"] = [*finalizers(wanted), finalizer]
    return wanted


def _without_finalizer(wanted: Object, finalizer: str) -> Object:
    if finalizer in finalizers(wanted):
        wanted["metadata"]["finalizers"] = [entry for entry in finalizers(wanted) if entry != finalizer]
    return wanted


def without_owner(obj: Object, *uids: str) -> Object:
    """A copy of `obj` without the owner references to `uids`."""
    wanted = deepcopy(obj)
    kept = [ref for ref in owner_references(wanted) if ref.get("uid") not in uids]
    if kept:
        wanted["metadata"]["ownerReferences"] = kept
    else:
        wanted["metadata"].pop("ownerReferences", None)
    return wanted
