"""Commands whose streams stay connected: exec and attach over a connection that the engine hands over."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError

from agent.runtime.base import STDOUT, NoSuchContainer
from agent.runtime.docker.execution import exit_code
from agent.runtime.docker.failures import checked, or_done, translated
from agent.runtime.docker.streams import Demultiplexer
from orchestrator.util.link import Link

log = logging.getLogger(__name__)

_UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}
#: Keys that detach from a terminal. The engine insists on some, and its own (Ctrl-P, Ctrl-Q) hold back the shells'
#: key for the command before: these nobody types.
_DETACH_KEYS = "ctrl-@,ctrl-^,ctrl-@,ctrl-^"

#: Bytes that a process says in its first moments.
_LITTLE = 1 << 16

#: Pieces of output with the streams they came by.
Said = Sequence[tuple[int, bytes]]
Resize = Callable[[int, int], None]
ExitCode = Callable[[], int | None]


class DockerProcess:
    """Implements `agent.runtime.base.Process`."""

    def __init__(self, link: Link, *, tty: bool, resize: Resize, exit_code: ExitCode) -> None:
        self.link = link
        self._frames = None if tty else Demultiplexer()
        self._resize, self._exit_code = resize, exit_code

    def read(self) -> Said:
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
        if not client.inspect_container(id)["State"]["Running"]:
            # The streams of what has ended may never end.
            link.close()
            link = _silent()

    def resize(width: int, height: int) -> None:
        with or_done("not running", "stopped container"):
            client.resize(id, height, width)

    if replay:
        return _ReplayedProcess(link, lambda: _log(client, id, tty=tty), tty=tty, resize=resize)
    return DockerProcess(link, tty=tty, resize=resize, exit_code=lambda: 0)


class _ReplayedProcess(DockerProcess):
    """A process that is heard from its start, though it may end before the engine has connected its streams.

    What the streams missed at their end, the container's log has.
    """

    def __init__(self, link: Link, log: Callable[[], Said], *, tty: bool, resize: Resize) -> None:
        super().__init__(link, tty=tty, resize=resize, exit_code=lambda: 0)
        self._log = log
        #: By stream, while it is little: of whom more was heard, the streams were connected in time.
        self._heard: dict[int, bytes] | None = {}

    def read(self) -> Said:
        said = super().read()
        if self._heard is None:
            return said
        for stream, data in said:
            self._heard[stream] = self._heard.get(stream, b"") + data
        if self.link.ended:
            said = [*said, *self._missed(self._heard)]
        if self.link.ended or sum(map(len, self._heard.values())) > _LITTLE:
            self._heard = None
        return said

    def _missed(self, heard: dict[int, bytes]) -> Iterator[tuple[int, bytes]]:
        for stream, logged in self._log():
            before = heard.get(stream, b"")
            if logged.startswith(before) and len(logged) > len(before):
                yield stream, logged[len(before) :]


def _silent() -> Link:
    """A connection on which nothing comes."""
    own, other = socket.socketpair()
    other.close()
    return Link(own)


def _log(client: APIClient, id: str, *, tty: bool) -> Said:
    """What a container has said so far, one piece a stream; nothing when it is gone."""
    address = f"{client.base_url}/v{client.api_version}/containers/{id}/logs"
    try:
        answer = checked(client.get(address, params={"stdout": 1, "stderr": 1}, timeout=client.timeout))
    except (APIError, requests.RequestException) as error:
        log.debug("the log of %s is not to be had: %s", id, error)
        return []
    if tty:
        return [(STDOUT, answer.content)]
    whole: dict[int, bytes] = {}
    for stream, data in Demultiplexer().feed(answer.content):
        whole[stream] = whole.get(stream, b"") + data
    return list(whole.items())


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
