"""Runs the pods of one node: what the API says they shall be, and what the engine says they are, meet here.

Two sources wake a pod's worker: the informer on the node's pods, and the engine's events with a listing at each
(re)connection. Nothing is done before the engine was listed once, and no container is taken for a leftover before the
API's list of pods arrived. While one of the two is away, the other's news is still acted on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from agent.admission import Admission
from agent.orphans import orphan
from agent.pod_worker import PodWorker
from agent.runtime.base import LABEL_UID, ContainerState, EngineUnreachable, Event
from agent.verdict import Verdict
from agent.volume_folders import VolumeError, VolumeFolders
from orchestrator.api.meta import Key, Object, is_deleting, key, make_key, metadata, status, uid
from orchestrator.api.pods import is_terminal
from orchestrator.api.static_pods import mirrored
from orchestrator.client.informer import Informer
from orchestrator.client.workqueue import WorkQueue
from orchestrator.util import threads
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: (pod, wake) -> its worker.
MakeWorker = Callable[[Object, Callable[[], None]], PodWorker]


class Kubelet:
    """`informer` must be one on the node's pods, not started yet."""

    def __init__(
        self,
        informer: Informer,
        make_worker: MakeWorker,
        volumes: VolumeFolders,
        admission: Admission,
        clock: Clock,
    ) -> None:
        self._informer, self._make_worker, self._admission = informer, make_worker, admission
        self._volumes, self._clock = volumes, clock
        self._queue = WorkQueue(clock)
        self._lock = threading.Lock()
        self._workers: dict[str, PodWorker] = {}
        #: Listed containers of pods not (yet) known, by pod uid.
        self._unclaimed: dict[str, list[ContainerState]] = {}
        self._listed = threading.Event()
        # Here and not in `start`: an informer that has synced must mean that the pods are known, else they are orphans.
        informer.add_handler(self._in_api_changed)

    def start(self) -> None:
        threads.start("pod-sync", self._sync_pods)
        threads.start("orphans", self._await_pods)

    def stop(self) -> None:
        """Containers go on running."""
        self._queue.shut_down()
        self._listed.set()

    @property
    def pods(self) -> list[Object]:
        """The pods that are looked after, with the status that the agent computed."""
        return [worker.pod | {"status": worker.memory.status} for worker in self.workers()]

    def others(self, pod_uid: str) -> list[Object]:
        """The pods beside one, with the resources that they were granted."""
        workers = (worker for worker in self.workers() if uid(worker.pod) != pod_uid)
        return [worker.allocated | {"status": worker.memory.status} for worker in workers]

    def workers(self) -> list[PodWorker]:
        with self._lock:
            return list(self._workers.values())

    @property
    def listed_once(self) -> bool:
        """What the engine has is known: workers may act."""
        return self._listed.is_set()

    def worker(self, namespace: str, name: str) -> PodWorker | None:
        """The worker of the pod of that name; of two, the one that is not going."""
        found = [worker for worker in self.workers() if key(worker.pod) == make_key(namespace, name)]
        return min(found, key=lambda worker: worker.memory.gone, default=None)

    # From the API, and from the node's manifests

    def _in_api_changed(self, old: Object | None, new: Object | None) -> None:
        """A mirror pod is no pod to run: it shows one, and what the API has of its status."""
        pod = new or old
        assert pod is not None
        if static := mirrored(pod):
            self._mirror_changed(static, pod)
        else:
            self.pod_changed(old, new)

    def _mirror_changed(self, static: str, mirror: Object) -> None:
        with self._lock:
            worker = self._workers.get(static)
        if worker is not None:
            worker.pod = worker.pod | {"status": status(mirror)}
            worker.resend_status()

    def pod_changed(self, old: Object | None, new: Object | None) -> None:
        """There is a new pod to run, or another wish of it; None for `new`: there is none any more."""
        if new is None:
            assert old is not None
            self._pod_gone(old)
            return
        with self._lock:
            worker = self._workers.get(uid(new))
            if worker is None:
                verdict = self._judge(new)
                worker = self._begin(new)
                if verdict is not None:
                    worker.condemn(verdict)
            worker.pod = new
        self.wake(uid(new))
        if old is not None and _shown(old) != _shown(new):
            worker.refresh_volumes()

    def _pod_gone(self, pod: Object) -> None:
        with self._lock:
            worker = self._workers.get(uid(pod))
            if worker is None:
                return
            worker.pod = pod
            worker.memory.gone = True
        self.wake(uid(pod))

    # From the engine

    def listed(self, found: Sequence[ContainerState], at: float) -> None:
        """All the node's containers, as the engine listed them from `at` (monotonic) on."""
        by_pod: dict[str, list[ContainerState]] = {}
        for container in found:
            if LABEL_UID in container.labels:
                by_pod.setdefault(container.labels[LABEL_UID], []).append(container)
        with self._lock:
            claimed = [(worker, by_pod.pop(pod_uid, ())) for pod_uid, worker in self._workers.items()]
            self._unclaimed = by_pod
        for worker, own in claimed:
            worker.relist(own, at)
        self._listed.set()
        self._end_orphans()
        self.wake_all()

    def container_event(self, event: Event) -> None:
        with self._lock:
            worker = self._workers.get(event.labels.get(LABEL_UID, ""))
        if worker is not None:
            worker.container_event(event)

    def engine_is_back(self) -> None:
        """What failed for want of an engine is tried at once."""
        for worker in self.workers():
            worker.memory.retry_now()

    def refresh_volumes(self) -> None:
        for worker in self.workers():
            worker.refresh_volumes()

    def wake_all(self) -> None:
        for worker in self.workers():
            worker.resend_status()
            self.wake(uid(worker.pod))

    def wake(self, pod_uid: str) -> None:
        """Something happened to the pod: its worker is to look."""
        self._queue.add(Key(pod_uid))

    # Inside

    def _judge(self, pod: Object) -> Verdict | None:
        """Of a new pod. One that an agent took before stays: what changed since is no reason to end it."""
        if is_deleting(pod) or is_terminal(pod) or status(pod).get("startTime") or uid(pod) in self._unclaimed:
            return None
        return self._admission.judge(pod, [worker.allocated for worker in self._workers.values() if worker.active])

    def _begin(self, pod: Object) -> PodWorker:
        pod_uid = uid(pod)
        worker = self._make_worker(pod, lambda: self.wake(pod_uid))
        worker.relist(self._unclaimed.pop(pod_uid, ()), self._clock.monotonic())
        self._workers[pod_uid] = worker
        return worker

    def _end_orphans(self) -> None:
        """Containers of pods that the API has no more are ended as if the pod had just been deleted."""
        if not (self._informer.has_synced and self._listed.is_set()):
            return
        with self._lock:
            for containers in list(self._unclaimed.values()):
                pod = orphan(containers)
                log.info("%s: its pod is gone from the API; its containers will be ended", key(pod))
                self._begin(pod).memory.gone = True
                self.wake(uid(pod))

    def _await_pods(self) -> None:
        """What earlier agents left behind can be told apart once both sides are known."""
        self._informer.wait_synced()
        self._listed.wait()
        self._end_orphans()
        self._remove_leftover_volumes()

    def _remove_leftover_volumes(self) -> None:
        with self._lock:
            known = set(self._workers)
        for pod_uid in self._volumes.pods() - known:
            log.info("volumes of pod %s are removed: it is long gone", pod_uid)
            try:
                self._volumes.remove(pod_uid)
            except (VolumeError, EngineUnreachable) as error:
                log.warning("the next agent will try again: %s", error)

    def _sync_pods(self) -> None:
        self._listed.wait()
        while (due := self._queue.get()) is not None:
            with self._lock:
                worker = self._workers.get(due)
            if worker is not None:
                self._sync(due, worker)
            self._queue.done(due)

    def _sync(self, due: Key, worker: PodWorker) -> None:
        try:
            again_at = worker.sync()
        except Exception:
            # One pod's defect must not stop the others.
            log.exception("%s: sync failed, will try again", key(worker.pod))
            self._queue.add_rate_limited(due)
            return
        self._queue.forget(due)
        if worker.ended:
            self._forget(due, worker)
        elif again_at is not None:
            self._queue.add_after(due, again_at - self._clock.now())

    def _forget(self, due: Key, worker: PodWorker) -> None:
        with self._lock:
            self._workers.pop(due, None)
        worker.close()
        for other in self.workers():
            if other.memory.resize_refused is not None:
                self.wake(uid(other.pod))  # There may be room for it now.
        log.info("%s: ended, nothing of it is left", key(worker.pod))


def _shown(pod: Object) -> tuple[Object, Object]:
    """What of the pod changes, and its volumes may show (downwardAPI). As with the kubelet, an annotation is also a
    way to have the pod's ConfigMaps and Secrets looked at now."""
    return metadata(pod).get("labels") or {}, metadata(pod).get("annotations") or {}
