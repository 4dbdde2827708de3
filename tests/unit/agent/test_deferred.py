"""An application that is made when it is first asked."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.deferred import DeferredApp

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return [environ["said"]]


def ask(app: DeferredApp, said: bytes) -> list[bytes]:
    return list(app({"said": said}, lambda *_: lambda _: None))


def test_nothing_is_made_before_the_first_request_and_one_thing_for_all() -> None:
    made = []

    def make() -> WSGIApplication:
        made.append(1)
        return answer

    app = DeferredApp(make)
    assert not made
    first = [threading.Thread(target=ask, args=(app, b"a")) for _ in range(5)]
    for thread in first:
        thread.start()
    for thread in first:
        thread.join()
    assert ask(app, b"b") == [b"b"]
    assert made == [1]
