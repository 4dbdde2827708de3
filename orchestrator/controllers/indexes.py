"""The informer indexes that controllers share. Adding one twice is harmless."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.api.meta import Object, controller_of, namespace, owner_references, spec
from orchestrator.client.informer import Informer

_CONTROLLER = "controller"
_NODE = "node"
_OWNER = "owner"
_UID = "uid"


def index_by_controller(informer: Informer) -> None:
    informer.add_index(_CONTROLLER, _controllers)


def controlled_by(informer: Informer, uid: str) -> list[Object]:
    """The objects whose controller is the object with `uid`."""
    return informer.cache.by_index(_CONTROLLER, uid)


def number_controlled_by(informer: Informer, uid: str) -> int:
    return informer.cache.count(_CONTROLLER, uid)


def orphans(informer: Informer, namespace: str) -> list[Object]:
    """The objects of a namespace that no controller owns."""
    return informer.cache.by_index(_CONTROLLER, _orphans_of(namespace))


def _controllers(obj: Object) -> Iterable[str]:
    controller = controller_of(obj)
    return (str(controller.get("uid")) if controller else _orphans_of(namespace(obj)),)


def _orphans_of(namespace: str) -> str:
    # No uid has a slash.
    return f"orphans/{namespace}"


def index_by_node(pods: Informer) -> None:
    pods.add_index(_NODE, lambda pod: (str(spec(pod).get("nodeName") or ""),))


def on_node(pods: Informer, node: str) -> list[Object]:
    """The pods bound to `node`; those not bound at all for ""."""
    return pods.cache.by_index(_NODE, node)


def index_by_owner(informer: Informer) -> None:
    """By the uid of each owner, and by the object's own."""
    informer.add_index(_OWNER, lambda obj: [str(ref.get("uid")) for ref in owner_references(obj)])
    informer.add_index(_UID, lambda obj: (str(obj["metadata"].get("uid")),))


def owned_by(informer: Informer, uid: str) -> list[Object]:
    return informer.cache.by_index(_OWNER, uid)


def with_uid(informer: Informer, uid: str) -> Object | None:
    return next(iter(informer.cache.by_index(_UID, uid)), None)
