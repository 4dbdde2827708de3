"""Shows the node's static pods in the API: one mirror pod each, made again when it is deleted.

The mirror is told the static pod's status; what happens to it changes nothing on the node.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

from orchestrator.api.errors import ApiError, Conflict, NotFound
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.meta import Key, Object, is_deleting, key, labels, name, namespace, uid
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.pods import MIRROR
from orchestrator.api.static_pods import is_static, mirrored
from orchestrator.client.client import Client

log = logging.getLogger(__name__)


class MirrorPods:
    """Its methods may be called from several threads, `sync` from one at a time."""

    def __init__(self, client: Client, node: str) -> None:
        self._client, self._node = client, node
        self._lock = threading.Lock()
        self._mirrors: dict[Key, Object] = {}
        #: Why a pod could not be shown when that was last tried.
        self._problems: dict[Key, str] = {}

    def pod_changed(self, old: Object | None, new: Object | None) -> None:
        """The informer's news of the node's pods."""
        pod = new or old
        assert pod is not None
        if not mirrored(pod):
            return
        with self._lock:
            if new is not None:
                self._mirrors[key(new)] = new
            elif uid(self._mirrors.get(key(pod), {})) == uid(pod):
                del self._mirrors[key(pod)]

    def shown_as(self, pod: Object) -> str:
        """The uid of the object in the API that shows the pod; "" while there is none."""
        if not is_static(pod):
            return uid(pod)
        with self._lock:
            mirror = self._mirrors.get(key(pod))
        return uid(mirror) if mirror is not None and mirrored(mirror) == uid(pod) else ""

    def sync(self, pods: Iterable[Object]) -> None:
        """Have a mirror of each of the static pods, and no others."""
        wanted = {key(pod): pod for pod in pods}
        with self._lock:
            mirrors = dict(self._mirrors)
        for place in mirrors.keys() | wanted.keys():
            try:
                self._sync(mirrors.get(place), wanted.get(place))
                self._problems.pop(place, None)
            except (NotFound, Conflict):
                log.debug("%s: the mirror pod is another already; looking again", place)
            except ApiError as error:
                self._note(place, str(error))

    def _sync(self, mirror: Object | None, pod: Object | None) -> None:
        if mirror is not None and (pod is None or mirrored(mirror) != uid(pod) or is_deleting(mirror)):
            log.info("%s: its mirror pod goes", key(mirror))
            self._client.delete(POD, name(mirror), namespace(mirror), grace_seconds=0, uid=uid(mirror))
        elif mirror is None and pod is not None:
            self._client.create(POD, self._mirror(pod))

    def _mirror(self, pod: Object) -> Object:
        node = self._client.get(NODE, self._node)
        owner = {"apiVersion": "v1", "kind": "Node", "name": self._node, "uid": uid(node), "controller": True}
        meta: Object = {
            "name": name(pod),
            "namespace": namespace(pod),
            "annotations": annotations_of(pod) | {MIRROR: uid(pod)},
            "ownerReferences": [owner],
        }
        if labels(pod):
            meta["labels"] = labels(pod)
        return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod["spec"]}

    def _note(self, place: Key, problem: str) -> None:
        """Tried at each `sync`, and told when it is news."""
        if self._problems.get(place) != problem:
            self._problems[place] = problem
            log.warning("%s: no mirror pod (yet), will try again: %s", place, problem)
