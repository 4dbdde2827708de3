"""A command of the FakeRuntime: the words are explained there."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from agent.runtime.base import STDERR, STDOUT
from orchestrator.util import threads
from orchestrator.util.link import PIECE, Link


class FakeProcess:
    """Implements `agent.runtime.base.Process`. `printed` is what it says at once."""

    def __init__(self, words: Sequence[str], printed: bytes, *, stdin: bool, exit_code: int) -> None:
        own, self._command = socket.socketpair()
        self.link = Link(own)
        self._errors = said(words, "error:")
        self._sizes = "sizes" in words
        self._code = exit_code
        self._command.sendall(printed)
        if stdin and "echo" in words:
            threads.start("fake-command", self._echo)
        elif "hang" not in words:
            self._command.close()

    def read(self) -> Sequence[tuple[int, bytes]]:
        found = [(STDERR, self._errors), (STDOUT, self.link.read())]
        self._errors = b""
        return [(stream, data) for stream, data in found if data]

    def resize(self, width: int, height: int) -> None:
        if self._sizes and self._command.fileno() != -1:
            self._command.sendall(f"{width}x{height}\n".encode())

    def exit_code(self) -> int:
        return self._code

    def close(self) -> None:
        self.link.close()

    def _echo(self) -> None:
        with self._command:
            while data := self._command.recv(PIECE):
                self._command.sendall(data)


def said(words: Sequence[str], sort: str) -> bytes:
    """The lines that words of this sort say."""
    return "".join(f"{word.removeprefix(sort)}\n" for word in words if word.startswith(sort)).encode()
