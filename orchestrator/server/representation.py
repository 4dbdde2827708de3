"""Results in the form that a client asks for: the objects themselves, their metadata, or a table."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response

from orchestrator.api.request import Request
from orchestrator.server.answers import Encode, json_answer, watch_lines
from orchestrator.server.negotiation import Wanted, negotiate
from orchestrator.server.results import Result, Single
from orchestrator.server.watch import ExpiredSession, WatchSession
from orchestrator.util.clock import Clock


class Representation:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def wanted(self, accept: str) -> Wanted:
        return negotiate(accept)

    def answer(self, result: Result, call: Request, wanted: Wanted) -> Response:
        if isinstance(result, Single):
            return json_answer(result.data, result.code, result.warnings)
        return json_answer(b"".join(result.chunks()))

    def encoder(self, call: Request, wanted: Wanted) -> Encode:
        return lambda frame: frame.data


def watch_pieces(session: WatchSession | ExpiredSession, encode: Encode) -> Iterator[bytes]:
    return watch_lines(session.batches(), encode)
