"""NodeRestriction: a node's agent writes to its own Node and Lease, and to the pods bound to it.

The verbs are the node authoriser's; this looks at the objects.
"""

from __future__ import annotations

from orchestrator.api.claims import FOLDER_FINALIZER, SELECTED_NODE, without_finalizer
from orchestrator.api.groups.coordination import LEASE
from orchestrator.api.groups.core import NODE, PERSISTENT_VOLUME, POD, SERVICE_ACCOUNT
from orchestrator.api.meta import Object, finalizers, labels, name, namespace, spec, uid
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.pods import MIRROR
from orchestrator.api.static_pods import mirrored, refused_references
from orchestrator.server.admission.base import Attributes, Plugin, View
from orchestrator.server.admission.namespaces import forbidden
from orchestrator.server.node_authorizer import node_of

#: Labels with this prefix say where pods may go: a node that was taken over must not attract them.
_RESTRICTED = "node-restriction.kubernetes.io/"
#: What the server itself writes into an object's metadata.
_BOOKKEEPING = frozenset({"managedFields", "resourceVersion"})


class NodeRestriction(Plugin):
    def __init__(self, view: View) -> None:
        self._view = view

    def admit(self, attributes: Attributes) -> None:
        node = node_of(attributes.user)
        if node and (why := self._refusal(node, attributes)):
            raise forbidden(attributes.kind, attributes.name, why)

    def _refusal(self, node: str, attributes: Attributes) -> str:
        if attributes.kind is NODE:
            return _node(node, attributes)
        if attributes.kind is LEASE and attributes.name != node:
            return f'node "{node}" can only access its own lease'
        if attributes.kind is POD:
            return _pod(node, attributes)
        if attributes.kind is PERSISTENT_VOLUME:
            return _volume(node, attributes)
        if attributes.kind is SERVICE_ACCOUNT and attributes.subresource == "token":
            return self._token(node, attributes)
        return ""

    def _token(self, node: str, attributes: Attributes) -> str:
        """Only for a pod that is bound to the node, and only while it is."""
        reference = spec(attributes.new or {}).get("boundObjectRef") or {}
        if reference.get("kind") != POD.kind or not reference.get("name"):
            return f'node "{node}" requested token not bound to a pod'
        if not reference.get("uid"):
            return f'node "{node}" requested token with a pod binding without a uid'
        pod = self._view.find(POD, attributes.namespace, reference["name"])
        if pod is None or uid(pod) != reference["uid"]:
            return f"the pod {attributes.namespace}/{reference['name']} with uid {reference['uid']} is gone"
        if _bound_to(pod) != node:
            return f'node "{node}" requested token bound to a pod scheduled on a different node'
        return ""


def _node(node: str, attributes: Attributes) -> str:
    if attributes.name != node:
        return f'node "{node}" is not allowed to modify node "{attributes.name}"'
    if attributes.new is None:
        return f'node "{node}" is not allowed to delete itself'
    old = attributes.old
    if old is not None and not attributes.subresource and spec(old).get("taints") != spec(attributes.new).get("taints"):
        return f'node "{node}" is not allowed to modify taints'
    before, after = labels(old or {}), labels(attributes.new)
    changed = sorted(
        label for label in before.keys() | after.keys() if before.get(label) != after.get(label) and _restricted(label)
    )
    return f'node "{node}" is not allowed to modify labels: {", ".join(changed)}' if changed else ""


def _restricted(label: str) -> bool:
    return f".{label}".partition("/")[0].endswith(f".{_RESTRICTED[:-1]}")


def _pod(node: str, attributes: Attributes) -> str:
    if attributes.old is None:
        return _mirror(node, attributes.new or {})
    if _bound_to(attributes.old) != node:
        what = f'pod "{namespace(attributes.old)}/{name(attributes.old)}"'
        return f'node "{node}" can only act on pods with spec.nodeName set to itself, {what} is not'
    return ""


def _mirror(node: str, pod: Object) -> str:
    """A pod that would bring a node secrets or rights must not be its own to make."""
    if not mirrored(pod):
        return f'pod does not have "{MIRROR}" annotation, node "{node}" can only create mirror pods'
    if _bound_to(pod) != node:
        return f'node "{node}" can only create pods with spec.nodeName set to itself'
    if references := refused_references(pod):
        return f'node "{node}" can not create pods that reference {", ".join(references)}'
    return ""


def _volume(node: str, attributes: Attributes) -> str:
    """A volume whose folder is on the node may be let go, and nothing else."""
    old, new = attributes.old, attributes.new
    if old is None or new is None or annotations_of(old).get(SELECTED_NODE) != node:
        return f'node "{node}" can only act on volumes that were provisioned on it'
    released = without_finalizer(old, FOLDER_FINALIZER)
    if _written(new) != _written(released):
        return f'node "{node}" can only remove the finalizer {FOLDER_FINALIZER} from a volume'
    return ""


def _written(volume: Object) -> Object:
    """Without what the server keeps of a write."""
    meta = {field: value for field, value in volume["metadata"].items() if field not in _BOOKKEEPING}
    return {**volume, "metadata": meta | {"finalizers": finalizers(volume)}}


def _bound_to(pod: Object) -> str:
    return str(spec(pod).get("nodeName") or "")
