"""A small working API behind the client's Transport, over the in-memory store; outages can be arranged."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator

from orchestrator.api.errors import AlreadyExists, ApiError, Conflict, Expired, NotFound, ServiceUnavailable
from orchestrator.api.meta import Object
from orchestrator.api.request import Request, WatchEvent
from orchestrator.store.base import Compacted, Entry, FutureRevision, KeyExists, KeyNotFound, RevisionConflict, Watch
from orchestrator.store.memory import MemoryStore
from orchestrator.util.clock import Clock


class FakeApi:
    """Knows all kinds, validates nothing. `requests` are those that arrived."""

    def __init__(self, clock: Clock) -> None:
        self.store = MemoryStore(clock)
        self.requests: list[Request] = []
        #: Raised by every request while set.
        self.failure: ApiError | None = None
        self._watches: list[FakeWatch] = []
        self._arrived = threading.Condition()
        self._uids = 0

    def call(self, request: Request) -> Object:
        self._arrive(request)
        try:
            return self._answer(request)
        except KeyNotFound as error:
            raise NotFound(str(error)) from error
        except KeyExists as error:
            raise AlreadyExists(str(error)) from error
        except RevisionConflict as error:
            raise Conflict(str(error)) from error

    def watch(self, request: Request) -> FakeWatch:
        self._arrive(request)
        try:
            watch = self.store.watch(_key(request), int(request.options["resourceVersion"]))
        except Compacted as error:
            return FakeWatch(None, WatchEvent("ERROR", Expired(str(error)).status()))
        except FutureRevision as error:
            raise ApiError(str(error)) from error
        opened = FakeWatch(watch)
        self._watches.append(opened)
        return opened

    def end_watches(self) -> None:
        """As a server does at the watch's timeout: with a bookmark."""
        while self._watches:
            self._watches.pop().end(self.store.revision)

    def break_watches(self) -> None:
        """As a lost connection does."""
        while self._watches:
            self._watches.pop().break_off()

    def go_down(self) -> None:
        self.failure = ServiceUnavailable("the fake is down")
        self.break_watches()

    def wait_requests(self, number: int, verb: str = "") -> list[Request]:
        """The requests of a verb, once there are so many."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.of(verb)) >= number, 10), self.requests
            return self.of(verb)

    def of(self, verb: str) -> list[Request]:
        return [request for request in self.requests if verb in ("", request.verb)]

    def _arrive(self, request: Request) -> None:
        with self._arrived:
            self.requests.append(request)
            self._arrived.notify_all()
        if self.failure is not None:
            raise self.failure

    def _answer(self, request: Request) -> Object:
        key = _key(request)
        if request.verb == "list":
            page = self.store.list(key)
            items = [entry.object() for entry in page.entries]
            return {"items": items, "metadata": {"resourceVersion": str(page.revision)}}
        if request.verb == "create":
            return self.store.create(key + request.body["metadata"]["name"], self._with_uid(request.body)).object()
        current = self.store.get(key)
        if request.verb == "get":
            return current.object()
        if request.verb == "delete":
            return self.store.delete(key, current.revision).object()
        if request.verb == "patch":
            return self.store.update(key, _merge(current.object(), request.body), current.revision).object()
        assert request.verb == "update", request
        return self.store.update(key, request.body, _expected(request.body, current)).object()

    def _with_uid(self, obj: Object) -> Object:
        self._uids += 1
        return {**obj, "metadata": {"uid": f"uid-{self._uids}", **obj["metadata"]}}


class FakeWatch:
    """A watch stream; without a store's watch behind it, one event and the end."""

    def __init__(self, watch: Watch | None, event: WatchEvent | None = None) -> None:
        self._watch = watch
        self._event = event
        self._broken = False
        self._bookmark = 0

    def __iter__(self) -> Iterator[WatchEvent]:
        if self._event is not None:
            yield self._event
        while self._watch is not None and (event := self._watch.next()):
            yield WatchEvent(event.type, event.entry.object())
        if self._bookmark:
            yield WatchEvent("BOOKMARK", {"metadata": {"resourceVersion": str(self._bookmark)}})
        if self._broken:
            raise ServiceUnavailable("the connection broke")

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()

    def end(self, revision: int) -> None:
        self._bookmark = revision
        self.close()

    def break_off(self) -> None:
        self._broken = True
        self.close()


def _key(request: Request) -> str:
    parts = [request.kind.plural, request.namespace, request.name]
    return "/" + "".join(f"{part}/" for part in parts[:2] if part) + request.name


def _expected(obj: Object, current: Entry) -> int:
    return int(obj["metadata"].get("resourceVersion") or current.revision)


def _merge(target: Object, patch: Object) -> Object:
    """RFC 7396."""
    merged = copy.deepcopy(target)
    for field, value in patch.items():
        if value is None:
            merged.pop(field, None)
        elif isinstance(value, dict) and isinstance(merged.get(field), dict):
            merged[field] = _merge(merged[field], value)
        else:
            merged[field] = value
    return merged
