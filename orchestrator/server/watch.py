"""watch: the changes of a selection since a revision, with bookmarks."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from orchestrator.api.errors import Expired
from orchestrator.api.meta import Object
from orchestrator.api.request import Request
from orchestrator.server.backend import Backend
from orchestrator.server.conversion import shown, shown_event
from orchestrator.server.list_options import check_watch, wants_initial
from orchestrator.server.options import boolean, integer
from orchestrator.server.pause import Pause
from orchestrator.server.read import parse_version, too_large
from orchestrator.server.results import Frame
from orchestrator.server.selection import Selection, selection
from orchestrator.store.base import Compacted, Entry, Event, FutureRevision, Watch

#: Seconds between bookmarks.
BOOKMARK_EVERY = 60.0
#: How long a watch without timeoutSeconds lasts, in seconds: Kubernetes' 30 minutes, and up to as much again.
DEFAULT_TIMEOUT = 1800.0
#: No watch lasts longer, whatever its timeoutSeconds.
LONGEST = 86400.0
#: Seconds after which the watch of a kind that is no longer served ends: nothing of it would come any more.
STILL_SERVED_EVERY = 1.0
#: Frames sent in one piece at most.
BATCH = 100


class WatchSession:
    """One watch request. Read it from one thread; `close` may come from any."""

    def __init__(self, backend: Backend, request: Request, chosen: Selection, watch: Watch, initial: list[Entry]):
        self._kind = request.kind
        self._kinds = backend.kinds
        self._chosen = chosen
        self._watch = watch
        self._initial = initial
        self._clock = backend.clock
        self._bookmarks = boolean(request.options, "allowWatchBookmarks")
        self._initial_bookmark = self._bookmarks and boolean(request.options, "sendInitialEvents")
        seconds = integer(request.options, "timeoutSeconds") or DEFAULT_TIMEOUT * (1 + backend.rng.random())
        self._deadline = self._clock.monotonic() + min(seconds, LONGEST)
        #: The wait that comes next.
        self.pause = Pause()

    def batches(self) -> Iterator[list[Frame]]:
        """Frames as they come, several at once when several are there, and none (see `pause`) before a wait.

        Ends at the time-out and after `close`.
        """
        try:
            yield from self._beginning()
            yield from self._changes()
        except Compacted:
            yield [_error(Expired("the watch fell too far behind: list again"))]
        finally:
            self._watch.close()

    def close(self) -> None:
        self._watch.close()

    def _beginning(self) -> Iterator[list[Frame]]:
        if self._initial:
            yield [Frame("ADDED", entry.data) for entry in self._initial if self._selected(entry)]
            self._initial = []
        if self._initial_bookmark:
            yield [self._bookmark({"k8s.io/initial-events-end": "true"})]

    def _changes(self) -> Iterator[list[Frame]]:
        bookmark_at = self._clock.monotonic() + BOOKMARK_EVERY
        while not self._watch.closed and self._is_served():
            now = self._clock.monotonic()
            if now >= self._deadline:
                yield [self._bookmark()] if self._bookmarks else []
                return
            if self._bookmarks and now >= bookmark_at:
                yield [self._bookmark()]
                bookmark_at = now + BOOKMARK_EVERY
            until = min(self._deadline, bookmark_at if self._bookmarks else self._deadline)
            if self._kind.schema is not None:
                until = min(until, now + STILL_SERVED_EVERY)
            if not (frames := self._next(0)):
                self.pause = Pause(self._watch.notify, until)
                yield []
                frames = [] if self.pause.honoured else self._next(until - now)
            if frames:
                yield frames

    def _is_served(self) -> bool:
        """Only custom kinds come and go."""
        kind = self._kind
        return kind.schema is None or self._kinds.by_path(kind.group, kind.version, kind.plural) is not None

    def _next(self, timeout: float) -> list[Frame]:
        """Wait for an event, then take what else is there."""
        frames: list[Frame] = []
        event = self._watch.next(timeout)
        while event is not None:
            if frame := self._frame(shown_event(self._kind, event)):
                frames.append(frame)
            event = self._watch.next(0) if len(frames) < BATCH else None
        return frames

    def _frame(self, event: Event) -> Frame | None:
        """What an event is for the selection: an object that leaves it is deleted, one that enters it is added."""
        if self._chosen.everything:
            return Frame(event.type, event.entry.data)
        before = event.previous is not None and self._selected(event.previous)
        after = event.type != "DELETED" and self._selected(event.entry)
        if after:
            return Frame("MODIFIED" if before else "ADDED", event.entry.data)
        if not before:
            return None
        assert event.previous is not None
        last = event.previous.object()
        last["metadata"]["resourceVersion"] = str(event.entry.revision)
        return Frame("DELETED", orjson.dumps(last))

    def _selected(self, entry: Entry) -> bool:
        return self._chosen.everything or self._chosen.matches(entry.object())

    def _bookmark(self, annotations: dict[str, str] | None = None) -> Frame:
        meta: Object = {"resourceVersion": str(self._watch.revision), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        bookmark = {"kind": self._kind.kind, "apiVersion": self._kind.api_version, "metadata": meta}
        return Frame("BOOKMARK", orjson.dumps(bookmark))


class ExpiredSession:
    """A watch from a revision that is gone: one ERROR event tells the client to list again."""

    pause = Pause()

    def __init__(self, error: Expired) -> None:
        self._error = error

    def batches(self) -> Iterator[list[Frame]]:
        yield [_error(self._error)]

    def close(self) -> None:
        """There is nothing to end."""


def watch(backend: Backend, request: Request) -> WatchSession | ExpiredSession:
    """Start a watch; without a resourceVersion it begins with what there is. Raises BadRequest, Invalid, Timeout."""
    kind, options = request.kind, request.options
    chosen = selection(kind, options)
    prefix = chosen.prefix(request.namespace)
    check_watch(options)
    revision = parse_version(options.get("resourceVersion", ""))
    initial: list[Entry] = []
    if wants_initial(options, revision):
        page = backend.store.list(prefix)
        if revision > page.revision:
            raise too_large(revision, page.revision)
        initial, revision = [shown(kind, entry) for entry in page.entries], page.revision
    elif not revision:
        revision = backend.store.revision
    try:
        return WatchSession(backend, request, chosen, backend.store.watch(prefix, revision, chosen.filed), initial)
    except Compacted as error:
        return ExpiredSession(Expired(f"too old resource version: {revision} ({error.oldest})"))
    except FutureRevision:
        raise too_large(revision, backend.store.revision) from None


def _error(error: Expired) -> Frame:
    return Frame("ERROR", orjson.dumps(error.status()))
