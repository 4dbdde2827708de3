"""Commands whose streams stay connected: exec and attach over a connection that the engine hands over."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import requests
from docker import APIClient

from agent.runtime.base import STDOUT, NoSuchContainer
from agent.runtime.docker.execution import exit_code
from agent.runtime.docker.failures import checked, or_done, translated
from agent.runtime.docker.streams import Demultiplexer
from orchestrator.util import threads
from orchestrator.util.link import PIECE, Link

_UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}
#: Keys that detach from a terminal. The engine insists on some, and its own (Ctrl-P, Ctrl-Q) hold back the shells'
#: key for the command before: these nobody types.
_DETACH_KEYS = "ctrl-@,ctrl-^,ctrl-@,ctrl-^"

Resize = Callable[[int, int], None]
ExitCode = Callable[[], int | None]


class DockerProcess:
    """Implements `agent.runtime.base.Process`."""

    def __init__(self, link: Link, *, tty: bool, resize: Resize, exit_code: ExitCode) -> None:
        self.link = link
        self._frames = None if tty else Demultiplexer()
        self._resize, self._exit_code = resize, exit_code

    def read(self) -> Sequence[tuple[int, bytes]]:
        data = self.link.read()
        if self._frames is not None:
            return list(self._frames.feed(data))
        return [(STDOUT, data)] if data else []

    def resize(self, width: int, height: int) -> None:
        self._resize(width, height)

    def exit_code(self) -> int | None:
        return self._exit_code()

    def close(self) -> None:
        self.link.close()


def exec_stream(client: APIClient, id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> DockerProcess:
    with translated(NoSuchContainer):
        made = client.exec_create(id, list(command), stdin=stdin, tty=tty, detach_keys=_DETACH_KEYS)["Id"]
        answer = _post(client, f"/exec/{made}/start", json={"Detach": False, "Tty": tty})

    def resize(width: int, height: int) -> None:
        # The command may have ended, or may be just starting.
        with or_done("process not found", "not running", "stopped container"):
            client.exec_resize(made, height, width)

    return DockerProcess(_taken_over(answer), tty=tty, resize=resize, exit_code=lambda: exit_code(client, made))


def attach(client: APIClient, id: str, *, stdin: bool, tty: bool, replay: bool) -> DockerProcess:
    streams = {"stream": 1, "stdin": int(stdin), "stdout": 1, "stderr": 1}
    query = {**streams, "logs": int(replay), "detachKeys": _DETACH_KEYS}
    with translated(NoSuchContainer):
        link = _taken_over(_post(client, f"/containers/{id}/attach", params=query))
        if replay and not client.inspect_container(id)["State"]["Running"]:
            # It ended meanwhile: what the attached streams missed, the log has.
            link.close()
            link = _log(client, id)

    def resize(width: int, height: int) -> None:
        with or_done("not running", "stopped container"):
            client.resize(id, height, width)

    return DockerProcess(link, tty=tty, resize=resize, exit_code=lambda: 0)


def _log(client: APIClient, id: str) -> Link:
    """The output of a container that has ended, framed as `attach` frames it."""
    query = {"stdout": 1, "stderr": 1}
    address = f"{client.base_url}/v{client.api_version}/containers/{id}/logs"
    answer = checked(client.get(address, params=query, stream=True, timeout=client.timeout))
    reader, writer = socket.socketpair()

    def copy() -> None:
        # Whoever reads may leave before the end.
        with answer, writer, suppress(OSError):
            for piece in answer.iter_content(PIECE):
                writer.sendall(piece)

    threads.start("attach-log", copy)
    return Link(reader)


def _post(client: APIClient, path: str, **arguments: Any) -> requests.Response:
    address = f"{client.base_url}/v{client.api_version}{path}"
    return checked(client.post(address, headers=_UPGRADE, stream=True, timeout=client.timeout, **arguments))


def _taken_over(answer: requests.Response) -> Link:
    """The connection, with what was read together with the answer's head."""
    raw: Any = answer.raw
    connection = raw.connection.sock
    connection.setblocking(False)
    already_read = raw._fp.fp.peek()
    own = socket.socket(fileno=os.dup(connection.fileno()))
    answer.close()
    return Link(own, already_read)
