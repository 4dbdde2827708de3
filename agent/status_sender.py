"""Sends pod statuses to the API, newest first to last: what was overtaken while waiting is never sent.

A failed write is tried again with back-off, so what happened while the master was down is told when it is back.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from agent.conditions import OWN, is_own
from orchestrator.api.errors import ApiError, Conflict, NotFound
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Key, Object, find_condition, key, name, namespace, uid
from orchestrator.api.request import STRATEGIC_PATCH
from orchestrator.client.client import Client
from orchestrator.client.workqueue import WorkQueue
from orchestrator.util import threads
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

SENDERS = 3

#: Fields that a status may have no more.
_OPTIONAL = ("reason", "message", "podIP", "podIPs", "hostIPs")
#: Lists that a strategic merge would add to.
_ADDRESS_LISTS = ("podIPs", "hostIPs")


@dataclass(frozen=True, slots=True)
class _Message:
    pod: Object
    status: Object | None = None
    #: Nothing of the pod is left on the machine: its object may go.
    final: bool = False


def _merge(older: _Message | None, newer: _Message) -> _Message:
    if older is None:
        return newer
    return _Message(newer.pod, newer.status or older.status, older.final or newer.final)


class StatusSender:
    """Any number of pods; one write at a time for each.

    `shown_as` is the uid of the object in the API that shows a pod, "" while there is none: then nothing is written.
    """

    def __init__(self, client: Client, clock: Clock, shown_as: Callable[[Object], str] = uid) -> None:
        self._client, self._shown_as = client, shown_as
        self._queue = WorkQueue(clock)
        self._lock = threading.Lock()
        self._waiting: dict[Key, _Message] = {}
        self._sending: set[Key] = set()

    def start(self) -> None:
        for number in range(SENDERS):
            threads.start(f"status-{number}", self._work)

    def stop(self) -> None:
        self._queue.shut_down()

    @property
    def idle(self) -> bool:
        """The API has all that was posted."""
        with self._lock:
            return not (self._waiting or self._sending)

    def post(self, pod: Object, status: Object) -> None:
        """Never blocks. `status` is kept; do not change it."""
        self._put(_Message(pod, status))

    def finish(self, pod: Object) -> None:
        """Delete the pod's object, after its last status was written. Never blocks."""
        self._put(_Message(pod, final=True))

    def _put(self, newer: _Message) -> None:
        due = Key(uid(newer.pod))
        with self._lock:
            self._waiting[due] = _merge(self._waiting.get(due), newer)
        self._queue.add(due)

    def _work(self) -> None:
        while (due := self._queue.get()) is not None:
            with self._lock:
                message = self._waiting.pop(due, None)
                self._sending.add(due)
            if message is not None:
                self._send(due, message)
            with self._lock:
                self._sending.discard(due)
            self._queue.done(due)

    def _send(self, due: Key, message: _Message) -> None:
        shown = self._shown_as(message.pod)
        if not shown:
            return
        try:
            if message.status is not None:
                self._write(message.pod, shown, message.status)
            if message.final:
                self._delete(message.pod, shown)
        except (NotFound, Conflict):
            log.debug("%s: gone or replaced; its status is dropped", key(message.pod))
            self._queue.forget(due)
        except ApiError as error:
            log.warning("%s: status not written, will try again: %s", key(message.pod), error)
            with self._lock:
                self._waiting[due] = _merge(message, self._waiting.get(due, message))
            self._queue.add_rate_limited(due)
        else:
            self._queue.forget(due)

    def _write(self, pod: Object, shown: str, status: Object) -> None:
        """Only of this very pod: one deleted and made again under the name has another uid (Conflict)."""
        patch = {"metadata": {"uid": shown}, "status": as_patch(status)}
        self._client.patch(POD, name(pod), patch, namespace(pod), subresource="status", content_type=STRATEGIC_PATCH)

    def _delete(self, pod: Object, shown: str) -> None:
        self._client.delete(POD, name(pod), namespace(pod), grace_seconds=0, uid=shown)


def as_patch(status: Object) -> Object:
    """A strategic merge patch that makes the status this one, and leaves others' conditions alone."""
    patch: Object = dict.fromkeys(_OPTIONAL) | status
    for field in _ADDRESS_LISTS:
        if patch[field]:
            patch[field] = [{"$patch": "replace"}, *patch[field]]
    mine = [condition for condition in status["conditions"] if is_own(condition)]
    absent = [type for type in OWN if find_condition(mine, type) is None]
    patch["conditions"] = [
        *({"reason": None, "message": None} | condition for condition in mine),
        *({"$patch": "delete", "type": type} for type in absent),
    ]
    return patch
