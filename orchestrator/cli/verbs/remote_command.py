"""The streams of a command in a container and those of this process, joined (`v5.channel.k8s.io`).

A message's first byte is its channel; `255, channel` says that no more comes on one.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import orjson

from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import terminal
from orchestrator.client.websocket import WebSocket

_STDIN, _STDOUT, _STDERR, _STATUS, _SIZE, _END = 0, 1, 2, 3, 4, 255
_PIECE = 32 * 1024


def run(socket: WebSocket, *, stdin: bool, tty: bool) -> int:
    """Pass everything on until the command has ended; its exit code. Raises Failure when that is not known."""
    with _closing(socket), terminal.raw(stdin and tty), terminal.resizes(tty) as resized:
        if tty:
            socket.send(bytes([_SIZE]) + orjson.dumps(terminal.size()))
        return _Command(socket, stdin=stdin, resized=resized).run()


@contextmanager
def _closing(socket: WebSocket) -> Iterator[None]:
    try:
        yield
    finally:
        socket.close()


class _Command:
    def __init__(self, socket: WebSocket, *, stdin: bool, resized: int | None) -> None:
        """`resized` is a descriptor that can be read when the terminal has another size."""
        self._socket, self._reading, self._resized = socket, stdin, resized

    def run(self) -> int:
        while not self._socket.closed:
            for message in self._socket.receive():
                code = self._received(message[0], message[1:]) if message else None
                if code is not None:
                    return code
            if not self._socket.closed:
                self._wait()
        raise Failure("the connection ended before the command did: is the pod still there?")

    def _received(self, channel: int, data: bytes) -> int | None:
        """The exit code, once it is there."""
        if channel == _STATUS:
            return exit_code(orjson.loads(data))
        if channel in (_STDOUT, _STDERR):
            output = (sys.stdout if channel == _STDOUT else sys.stderr).buffer
            output.write(data)
            output.flush()
        return None

    def _wait(self) -> None:
        """Until something can be read or written; what is typed meanwhile is sent."""
        link, poll, typed = self._socket.link, select.poll(), sys.stdin.fileno() if self._reading else -1
        poll.register(link.fileno(), link.events(reading=True))
        if self._reading and not link.full:
            poll.register(typed, select.POLLIN)
        if self._resized is not None:
            poll.register(self._resized, select.POLLIN)
        ready = {descriptor for descriptor, _ in poll.poll()}
        link.flush()
        if typed in ready:
            self._type(os.read(typed, _PIECE))
        if self._resized in ready:
            os.read(self._resized, _PIECE)
            self._socket.send(bytes([_SIZE]) + orjson.dumps(terminal.size()))

    def _type(self, data: bytes) -> None:
        self._reading = bool(data)
        self._socket.send(bytes([_STDIN]) + data if data else bytes([_END, _STDIN]))


def exit_code(status: Object) -> int:
    """Of the Status at the end. Raises Failure with its message when the command could not be run."""
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or []
    for cause in causes:
        if cause.get("reason") == "ExitCode" and str(cause.get("message")).isdecimal():
            return int(cause["message"])
    raise Failure(str(status.get("message") or "the command could not be run"))
