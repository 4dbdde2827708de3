"""The API in the same process: what `HttpTransport` does over the network, without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import orjson

from orchestrator.api.errors import NotFound
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
        result = self._resources.handle(self._served(request), self._user)
        if isinstance(result, Single):
            return result.object()
        return orjson.loads(b"".join(result.chunks()))  # type: ignore[no-any-return]

    def watch(self, request: Request) -> WatchStream:
        return _LocalWatch(self._resources.watch(self._served(request), self._user))

    def _served(self, request: Request) -> Request:
        """Of a kind in a request its path counts, as it does over the network: it may have come or gone meanwhile."""
        kind = request.kind
        served = self._resources.backend.kinds.by_path(kind.group, kind.version, kind.plural)
        if served is None:
            raise NotFound("the server could not find the requested resource")
        return request if served is kind else replace(request, kind=served)


class _LocalWatch:
    def __init__(self, session: WatchSession | ExpiredSession) -> None:
        self._session = session

    def __iter__(self) -> Iterator[WatchEvent]:
        for batch in self._session.batches():
            for frame in batch:
                yield WatchEvent(frame.type, orjson.loads(frame.data))

    def close(self) -> None:
        self._session.close()
