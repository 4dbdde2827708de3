"""The API in the same process: what `HttpTransport` does over the network, without it."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from orchestrator.api.meta import Object
from orchestrator.api.request import Request, User, WatchEvent
from orchestrator.client.client import WatchStream
from orchestrator.server.resources import Resources
from orchestrator.server.results import Single
from orchestrator.server.watch import ExpiredSession, WatchSession


class LocalTransport:
    """Requests of `user`, answered by `resources`. Safe to use from any number of threads."""

    def __init__(self, resources: Resources, user: User) -> None:
        self._resources = resources
        self._user = user

    def call(self, request: Request) -> Object:
        result = self._resources.handle(request, self._user)
        if isinstance(result, Single):
            return result.object()
        return orjson.loads(b"".join(result.chunks()))  # type: ignore[no-any-return]

    def watch(self, request: Request) -> WatchStream:
        return _LocalWatch(self._resources.watch(request, self._user))


class _LocalWatch:
    def __init__(self, session: WatchSession | ExpiredSession) -> None:
        self._session = session

    def __iter__(self) -> Iterator[WatchEvent]:
        for batch in self._session.batches():
            for frame in batch:
                yield WatchEvent(frame.type, orjson.loads(frame.data))

    def close(self) -> None:
        self._session.close()
