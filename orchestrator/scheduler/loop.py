"""The scheduler: follows nodes and pods, decides for one pod after the other, and binds.

The decision is `decide`, which is pure; here is what feeds it and what carries it out.
"""

from __future__ import annotations

import functools
import logging
import random
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, Protocol

from orchestrator.api import meta
from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.groups.core import NAMESPACE, NODE, POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.pods import is_terminal
from orchestrator.api.request import STRATEGIC_PATCH
from orchestrator.api.times import rfc3339
from orchestrator.client.client import Client
from orchestrator.client.events import EventType
from orchestrator.client.informers import Informers
from orchestrator.scheduler.cluster import STORAGE, Cluster
from orchestrator.scheduler.decide import Decision, decide
from orchestrator.scheduler.podinfo import PodInfo, pod_info
from orchestrator.scheduler.queue import Entry, SchedulingQueue
from orchestrator.scheduler.snapshot import node_info
from orchestrator.scheduler.volume_binder import VolumeBinder, Waiting, needed_bindings
from orchestrator.scheduler.volumes import Bindings
from orchestrator.util import threads
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)
P = ParamSpec("P")

#: The pods to schedule are those whose `spec.schedulerName` is this.
NAME = "default-scheduler"
#: Requests under way at once. Bindings are written together where the store commits in groups.
_WRITERS = 4


class Recorder(Protocol):
    """`orchestrator.client.events.EventRecorder` is one."""

    def event(self, obj: Object, type: EventType, reason: str, message: str) -> None: ...


class Scheduler:
    def __init__(
        self, client: Client, informers: Informers, recorder: Recorder, clock: Clock, rng: random.Random
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._clock = clock
        self._rng = rng
        self._cluster = Cluster()
        self._queue = SchedulingQueue(clock)
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="scheduler-writer")
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._volumes = VolumeBinder(client, self._cluster, self._volumes_settled)
        handlers = {NAMESPACE: self._on_namespace, NODE: self._on_node, POD: self._on_pod}
        handlers |= {kind: functools.partial(self._on_storage, kind) for kind in STORAGE}
        self._needed = [informers.of(kind) for kind in handlers]
        for informer in self._needed:
            informer.add_handler(handlers[informer.kind])

    def start(self) -> None:
        """Begin as soon as the informers are in step."""
        self._thread = threads.start("scheduler", self._run)

    def stop(self) -> None:
        """Decide nothing more; returns when the bindings under way are over."""
        self._stopped.set()
        self._queue.shut_down()
        if self._thread is not None:
            self._thread.join()
        self._writers.shutdown()

    # --- what happens in the cluster -------------------------------------------------------------------------------

    def _on_namespace(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._cluster.put_namespace(meta.name(new), meta.labels(new))
        elif old is not None:
            self._cluster.remove_namespace(meta.name(old))

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is not None:
            if self._cluster.put_node(node_info(new)):
                self._queue.move()
        elif old is not None:
            self._cluster.remove_node(meta.name(old))

    def _on_storage(self, kind: Kind, old: Object | None, new: Object | None) -> None:
        if new is not None:
            self._cluster.put_stored(kind, new)
        elif old is not None:
            self._cluster.remove_stored(kind, old)
        self._volumes.look()
        self._queue.move(lambda waiting: bool(waiting.claims))

    def _on_pod(self, old: Object | None, new: Object | None) -> None:
        pod = new or old or {}
        if new is None or is_terminal(new):
            self._on_gone(pod)
        elif meta.spec(new).get("nodeName"):
            if old is None or _weighty(old) != _weighty(new):
                self._on_placed(old, pod_info(new))
        elif _is_ours(new):
            self._on_pending(old, pod_info(new))

    def _on_gone(self, pod: Object) -> None:
        uid = meta.uid(pod)
        self._queue.remove(uid)
        self._volumes.forget(uid)
        if self._cluster.has_place(uid):
            self._cluster.remove_pod(uid)
            self._queue.move()

    def _on_placed(self, old: Object | None, pod: PodInfo) -> None:
        self._queue.remove(pod.uid)
        self._cluster.put_pod(pod)
        if old is None or not meta.spec(old).get("nodeName") or meta.labels(old) != pod.labels:
            # One more pod frees nothing, but others may have waited for its company.
            self._queue.move(lambda waiting: bool(waiting.affinity or waiting.spread))

    def _on_pending(self, old: Object | None, pod: PodInfo) -> None:
        if pod.deleting:
            self._queue.remove(pod.uid)
        elif old is None or _decisive(old) != _decisive(pod.obj):
            self._queue.add(pod)
        else:
            self._queue.refresh(pod)

    # --- what the scheduler does about it --------------------------------------------------------------------------

    def _run(self) -> None:
        for informer in self._needed:
            while not informer.wait_synced(1.0):
                if self._stopped.is_set():
                    return
        while (entry := self._queue.pop()) is not None:
            try:
                self._schedule(entry)
            except Exception:
                # A defect that one pod brings out must not stop the scheduling of all others.
                log.exception("%s: not scheduled, it will be tried again", entry.pod.key)
                self._queue.retry(entry)

    def _schedule(self, entry: Entry) -> None:
        pod = entry.pod
        if self._cluster.has_place(pod.uid):
            self._queue.done(entry)
            return
        snapshot = self._cluster.snapshot()
        outcome = decide(pod, snapshot, self._rng)
        if isinstance(outcome, Decision):
            self._cluster.assume(pod, outcome.node)
            if needed := needed_bindings(pod, outcome.node, snapshot):
                self._volumes.expect(needed)
                self._write(self._bind_volumes, entry, pod, outcome.node, needed)
            else:
                self._write(self._bind, entry, pod, outcome.node)
        else:
            log.info("%s: %s It waits for a change in the cluster.", pod.key, outcome.message)
            self._queue.park(entry)
            self._write(self._tell_unschedulable, pod, outcome.message)

    def _write(self, write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Run `write` in another thread; an error that leaves it is a defect, and is logged."""

        def report(future: Future[None]) -> None:
            if error := future.exception():
                log.error("%s failed", write.__qualname__, exc_info=error)

        self._writers.submit(write, *args, **kwargs).add_done_callback(report)

    def _bind_volumes(self, entry: Entry, pod: PodInfo, node: str, needed: Bindings) -> None:
        """The pod is bound when its claims are, by others."""
        try:
            self._volumes.bind(Waiting(entry, pod, node), needed)
        except ApiError as error:
            log.warning("%s: its volumes were not bound, it will be scheduled again: %s", pod.key, error)
            self._cluster.forget(pod.uid)
            self._queue.retry(entry)
            self._recorder.event(pod.obj, "Warning", "FailedScheduling", f"binding volumes: {error}")

    def _volumes_settled(self, waiting: Waiting, outlook: str) -> None:
        if outlook == "bound":
            self._write(self._bind, waiting.entry, waiting.pod, waiting.node)
        else:
            log.info("%s: its volumes cannot be on %s, it will be scheduled again", waiting.pod.key, waiting.node)
            self._cluster.forget(waiting.pod.uid)
            self._queue.retry(waiting.entry)

    def _bind(self, entry: Entry, pod: PodInfo, node: str) -> None:
        try:
            self._client.bind(pod.obj, node, POD)
        except NotFound:
            # It was deleted meanwhile: the watch tells so too.
            self._cluster.forget(pod.uid)
            self._queue.done(entry)
        except ApiError as error:
            log.warning("%s: binding to %s failed, it will be scheduled again: %s", pod.key, node, error)
            self._cluster.forget(pod.uid)
            self._queue.retry(entry)
            self._recorder.event(pod.obj, "Warning", "FailedScheduling", f"binding rejected: {error}")
        else:
            self._queue.done(entry)
            self._recorder.event(pod.obj, "Normal", "Scheduled", f"Successfully assigned {pod.key} to {node}")

    def _tell_unschedulable(self, pod: PodInfo, message: str) -> None:
        self._recorder.event(pod.obj, "Warning", "FailedScheduling", message)
        patch = _unschedulable(pod.obj, message, self._clock.now())
        if patch is None:
            return
        try:
            self._client.patch(
                POD,
                meta.name(pod.obj),
                patch,
                pod.namespace,
                subresource="status",
                content_type=STRATEGIC_PATCH,
            )
        except NotFound:
            log.debug("%s: was deleted while it was unschedulable", pod.key)
        except ApiError as error:
            log.warning("%s: the condition PodScheduled was not written, the next attempt will: %s", pod.key, error)


def _is_ours(pod: Object) -> bool:
    spec = meta.spec(pod)
    return (spec.get("schedulerName") or NAME) == NAME and not spec.get("schedulingGates")


def _decisive(pod: Object) -> tuple[object, ...]:
    """What of a pending pod a decision depends on."""
    return (meta.spec(pod), meta.labels(pod))


def _weighty(pod: Object) -> tuple[object, ...]:
    """What of a placed pod other pods' decisions depend on; not its status, which changes most."""
    return (*_decisive(pod), meta.is_deleting(pod), meta.owner_references(pod))


def _unschedulable(pod: Object, message: str, now: float) -> Object | None:
    """A patch of the pod's status, or None when it says so already."""
    old = meta.condition(pod, "PodScheduled") or {}
    if (old.get("status"), old.get("reason"), old.get("message")) == ("False", "Unschedulable", message):
        return None
    conditions = [dict(old)] if old else []
    new = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    meta.set_condition(conditions, new, rfc3339(now))
    return {"status": {"conditions": conditions}}
