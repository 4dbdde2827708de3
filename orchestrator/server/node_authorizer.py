"""What a node's agent may do: look after its own Node and Lease, and read what the pods bound to it need.

Which pods and which Node it may write to is checked against the very objects that are written, by admission
(`orchestrator.server.admission.node_restriction`).
"""

from __future__ import annotations

from orchestrator.api.access import Access
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, namespace, spec
from orchestrator.api.pod_references import Reference, references
from orchestrator.api.request import User
from orchestrator.server import keys
from orchestrator.server.follower import Follower
from orchestrator.store.base import Entry, Store

NODES = "system:nodes"
_PREFIX = "system:node:"
_READ = frozenset({"get", "list", "watch"})

#: (group, resource) -> what every agent may do with all of them.
_ANYWHERE: dict[tuple[str, str], frozenset[str]] = {
    ("", "services"): _READ,
    ("", "events"): frozenset({"create", "patch", "update"}),
    ("events.k8s.io", "events"): frozenset({"create", "patch", "update"}),
    ("", "nodes"): frozenset({"create", "update", "patch"}),
    ("", "nodes/status"): frozenset({"update", "patch"}),
    ("", "pods"): frozenset({"create", "delete"}),
    ("", "pods/status"): frozenset({"update", "patch"}),
    ("", "pods/eviction"): frozenset({"create"}),
    ("authentication.k8s.io", "tokenreviews"): frozenset({"create"}),
    ("authorization.k8s.io", "subjectaccessreviews"): frozenset({"create"}),
    ("certificates.k8s.io", "certificatesigningrequests"): _READ | {"create"},
    ("node.k8s.io", "runtimeclasses"): _READ,
    ("storage.k8s.io", "csidrivers"): _READ,
    # Wider than in Kubernetes, whose agents make and remove no volumes: admission sees to whose they may change.
    ("", "persistentvolumes"): _READ | {"patch"},
}
_LEASE_VERBS = frozenset({"get", "create", "update", "patch", "delete"})


def node_of(user: User) -> str:
    """The name of the node whose agent the user is, "" for other users."""
    return user.name.removeprefix(_PREFIX) if NODES in user.groups and user.name.startswith(_PREFIX) else ""


class NodeAuthorizer:
    def __init__(self, store: Store) -> None:
        self._pods = Follower(store, keys.prefix(POD), _BoundPods)

    def allows(self, node: str, access: Access) -> bool:
        if access.path:
            return False
        if access.verb in _ANYWHERE.get((access.group, access.full_resource), ()):
            return True
        match (access.group, access.full_resource):
            case ("", "nodes"):
                return access.verb in _READ and access.name == node
            case ("", "pods"):
                return access.verb in _READ and self._own_pods(node, access)
            case ("", "secrets" | "configmaps" | "persistentvolumeclaims" | "serviceaccounts"):
                return access.verb in _READ and self._refers(node, access)
            case ("", "serviceaccounts/token"):
                return access.verb == "create" and self._refers(node, access)
            case ("coordination.k8s.io", "leases"):
                # The name of a Lease that is being created is in the body: admission looks at it.
                own = access.name == node or access.verb == "create"
                return access.verb in _LEASE_VERBS and access.namespace == "kube-node-lease" and own
        return False

    def _own_pods(self, node: str, access: Access) -> bool:
        """One of its own, or a list of its own."""
        if access.fields is not None and access.fields.value("spec.nodeName") == node:
            return True
        return bool(access.name) and self._pods.index().bound(node, access.namespace, access.name)

    def _refers(self, node: str, access: Access) -> bool:
        return self._pods.index().refers(node, access.namespace, (access.resource, access.name))


class _BoundPods:
    """The pods of each node, and what they refer to: both can only change while a pod is not bound yet."""

    def __init__(self) -> None:
        self._pods: dict[str, tuple[str, str, frozenset[Reference]]] = {}
        #: (node, namespace, reference) -> how many pods make it.
        self._counts: dict[tuple[str, str, Reference], int] = {}

    def put(self, entry: Entry) -> None:
        # Ephemeral containers are all that a bound pod can get, and with them new references.
        if entry.key in self._pods and b'"ephemeralContainers"' not in entry.data:
            return
        pod: Object = entry.object()
        if node := str(spec(pod).get("nodeName") or ""):
            made = (node, namespace(pod), references(pod))
            self._count(made, 1)
            self.drop(entry)
            self._pods[entry.key] = made

    def drop(self, entry: Entry) -> None:
        if made := self._pods.pop(entry.key, None):
            self._count(made, -1)

    def bound(self, node: str, namespace: str, name: str) -> bool:
        found = self._pods.get(keys.key(POD, namespace, name))
        return found is not None and found[0] == node

    def refers(self, node: str, namespace: str, reference: Reference) -> bool:
        return self._counts.get((node, namespace, reference), 0) > 0

    def _count(self, made: tuple[str, str, frozenset[Reference]], by: int) -> None:
        node, where, found = made
        for reference in found:
            place = (node, where, reference)
            count = self._counts.get(place, 0) + by
            if count:
                self._counts[place] = count
            else:
                self._counts.pop(place, None)
