"""What the scheduler knows of the cluster: the informers' news, and its own decisions that are not news yet.

A decision counts from the moment it is made (`assume`), long before the watch tells of the binding: two pods never get
the same free place because a cache was late.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.api.groups.core import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from orchestrator.api.groups.storage import STORAGE_CLASS
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Key, Object, key
from orchestrator.scheduler.affinity import Namespaces
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.snapshot import NodeInfo, Snapshot
from orchestrator.scheduler.volumes import Storage

#: The kinds that decide about volumes.
STORAGE = (PERSISTENT_VOLUME_CLAIM, PERSISTENT_VOLUME, STORAGE_CLASS)


class Cluster:
    """Any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes: dict[str, NodeInfo] = {}
        #: Every pod that has a place, by uid; its node may not be known (yet, or any more).
        self._pods: dict[str, PodInfo] = {}
        self._assumed: set[str] = set()
        self._namespaces: dict[str, Mapping[str, str]] = {}
        self._storage: dict[Kind, dict[Key, Object]] = {kind: {} for kind in STORAGE}
        #: What is written, or about to be, and not news yet.
        self._expected: dict[tuple[Kind, Key], Object] = {}
        self._storage_view: Storage | None = None
        self._snapshot: Snapshot | None = None

    def snapshot(self) -> Snapshot:
        with self._lock:
            if self._snapshot is None:
                namespaces: Namespaces = dict(self._namespaces)
                self._snapshot = Snapshot(tuple(self._nodes.values()), namespaces, self._view())
            return self._snapshot

    def storage(self) -> Storage:
        with self._lock:
            return self._view()

    def put_stored(self, kind: Kind, obj: Object) -> None:
        """A claim, a volume or a class, by the API server's word."""
        with self._lock:
            self._storage[kind][key(obj)] = obj
            self._storage_changed(kind, obj)

    def remove_stored(self, kind: Kind, obj: Object) -> None:
        with self._lock:
            self._storage[kind].pop(key(obj), None)
            self._storage_changed(kind, obj)

    def expect(self, kind: Kind, obj: Object) -> None:
        """The object will be written like this."""
        with self._lock:
            self._expected[kind, key(obj)] = obj
            self._storage_view = self._snapshot = None

    def forget_expected(self, kind: Kind, obj: Object) -> None:
        """It was not written after all."""
        with self._lock:
            self._storage_changed(kind, obj)

    def put_node(self, node: NodeInfo) -> bool:
        """A node without its pods, new or changed. False when nothing changed that decisions look at."""
        with self._lock:
            known = self._nodes.get(node.name)
            if known is not None and known.same_as(node):
                return False
            if known is not None:
                node = node.with_pods_of(known)
            else:
                for pod in self._pods.values():
                    node = node.with_pod(pod) if pod.node == node.name else node
            self._set(node)
            return True

    def remove_node(self, name: str) -> None:
        with self._lock:
            if self._nodes.pop(name, None) is not None:
                self._snapshot = None

    def put_pod(self, pod: PodInfo) -> None:
        """A pod that has its node, by the API server's word."""
        with self._lock:
            self._assumed.discard(pod.uid)
            self._place(pod)

    def remove_pod(self, uid: str) -> None:
        """The pod is gone, or has finished."""
        with self._lock:
            self._assumed.discard(uid)
            self._displace(uid)

    def assume(self, pod: PodInfo, node: str) -> None:
        """The pod will be bound to `node`: its place is taken from now on."""
        with self._lock:
            self._assumed.add(pod.uid)
            self._place(replace(pod, node=node))

    def forget(self, uid: str) -> None:
        """The pod was not bound after all. What the API server has told of it stays."""
        with self._lock:
            if uid in self._assumed:
                self._assumed.discard(uid)
                self._displace(uid)

    def has_place(self, uid: str) -> bool:
        with self._lock:
            return uid in self._pods

    def put_namespace(self, name: str, labels: Mapping[str, str]) -> None:
        with self._lock:
            if self._namespaces.get(name) != labels:
                self._namespaces[name] = labels
                self._snapshot = None

    def remove_namespace(self, name: str) -> None:
        with self._lock:
            self._namespaces.pop(name, None)
            self._snapshot = None

    def _storage_changed(self, kind: Kind, obj: Object) -> None:
        self._expected.pop((kind, key(obj)), None)
        self._storage_view = self._snapshot = None

    def _view(self) -> Storage:
        if self._storage_view is None:
            known = {kind: dict(objects) for kind, objects in self._storage.items()}
            for (kind, place), obj in self._expected.items():
                known[kind][place] = obj
            claims, volumes, classes = (known[kind] for kind in STORAGE)
            self._storage_view = Storage(claims, volumes, classes)
        return self._storage_view

    def _place(self, pod: PodInfo) -> None:
        known = self._pods.get(pod.uid)
        if known is not None and known.node != pod.node:
            self._displace(pod.uid)
        self._pods[pod.uid] = pod
        if node := self._nodes.get(pod.node):
            self._set(node.with_pod(pod))

    def _displace(self, uid: str) -> None:
        pod = self._pods.pop(uid, None)
        if pod is not None and (node := self._nodes.get(pod.node)):
            self._set(node.without_pod(uid))

    def _set(self, node: NodeInfo) -> None:
        self._nodes[node.name] = node
        self._snapshot = None
