"""The parts every Kubernetes object shares.

Objects are kept as the JSON they travel as (`Object`): a kind's fields are the schema's business
(`orchestrator.api.schema`), and one shape for the wire, the store and the caches means no conversion between them.
These accessors are the only place that knows where the common fields live.
"""

from collections.abc import Iterable
from typing import Any, NewType

Object = dict[str, Any]
#: `namespace/name`, or `name` for a cluster-scoped object: what informers and workqueues carry.
Key = NewType("Key", str)


def metadata(obj: Object) -> Object:
    return obj.setdefault("metadata", {})  # type: ignore[no-any-return]


def name(obj: Object) -> str:
    return str(obj.get("metadata", {}).get("name") or "")


def namespace(obj: Object) -> str:
    """The namespace, or "" for a cluster-scoped object."""
    return str(obj.get("metadata", {}).get("namespace") or "")


def uid(obj: Object) -> str:
    return str(obj.get("metadata", {}).get("uid") or "")


def labels(obj: Object) -> dict[str, str]:
    return obj.get("metadata", {}).get("labels") or {}


def annotations(obj: Object) -> dict[str, str]:
    return obj.get("metadata", {}).get("annotations") or {}


def resource_version(obj: Object) -> str:
    return str(obj.get("metadata", {}).get("resourceVersion") or "")


def generation(obj: Object) -> int:
    return int(obj.get("metadata", {}).get("generation") or 0)


def finalizers(obj: Object) -> list[str]:
    return obj.get("metadata", {}).get("finalizers") or []


def deletion_timestamp(obj: Object) -> str:
    return str(obj.get("metadata", {}).get("deletionTimestamp") or "")


def is_deleting(obj: Object) -> bool:
    return bool(deletion_timestamp(obj))


def spec(obj: Object) -> Object:
    return obj.get("spec") or {}


def status(obj: Object) -> Object:
    return obj.get("status") or {}


def key(obj: Object) -> Key:
    return make_key(namespace(obj), name(obj))


def make_key(namespace: str, name: str) -> Key:
    return Key(f"{namespace}/{name}" if namespace else name)


def split_key(key: Key) -> tuple[str, str]:
    """(namespace, name) of a key; the namespace is "" for a cluster-scoped object."""
    namespace, _, name = key.rpartition("/")
    return namespace, name


def group_of(api_version: str) -> str:
    """`apps/v1` -> `apps`; `v1` -> ``."""
    return api_version.rpartition("/")[0]


def owner_references(obj: Object) -> list[Object]:
    return obj.get("metadata", {}).get("ownerReferences") or []


def controller_of(obj: Object) -> Object | None:
    """The owner reference whose `controller` is true, or None."""
    return next((ref for ref in owner_references(obj) if ref.get("controller")), None)


def owner_reference(owner: Object, *, controller: bool = True) -> Object:
    """An owner reference to `owner` that blocks its foreground deletion, as controllers write them."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name(owner),
        "uid": uid(owner),
        "controller": controller,
        "blockOwnerDeletion": True,
    }


def object_reference(obj: Object) -> Object:
    """An ObjectReference (`involvedObject` of an Event, `targetRef` of an endpoint)."""
    reference = {
        "apiVersion": obj.get("apiVersion", ""),
        "kind": obj.get("kind", ""),
        "name": name(obj),
        "namespace": namespace(obj),
        "uid": uid(obj),
        "resourceVersion": resource_version(obj),
    }
    return {field: value for field, value in reference.items() if value}


def condition(obj: Object, kind: str) -> Object | None:
    """The condition of type `kind` in `status.conditions`, or None."""
    return find_condition(status(obj).get("conditions") or [], kind)


def find_condition(conditions: Iterable[Object], kind: str) -> Object | None:
    return next((c for c in conditions if c.get("type") == kind), None)


def set_condition(conditions: list[Object], new: Object, now: str) -> bool:
    """Put `new` in `conditions`; `lastTransitionTime` moves only when `status` does. True when anything changed."""
    old = find_condition(conditions, new["type"])
    if old is None:
        conditions.append({**new, "lastTransitionTime": new.get("lastTransitionTime", now)})
        return True
    moved = old.get("status") != new.get("status")
    merged = {**old, **new, "lastTransitionTime": now if moved else old.get("lastTransitionTime", now)}
    if merged == old:
        return False
    old.clear()
    old.update(merged)
    return True
