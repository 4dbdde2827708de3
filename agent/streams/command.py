"""exec and attach: one thread passes bytes between the client's channels and a process, until the process ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import orjson

from agent.runtime.base import STDIN, Process, RuntimeFailure
from agent.streams.carrier import ProtocolError
from agent.streams.command_wire import SIZE, CommandWire, Ended, Received
from orchestrator.api.errors import InternalError
from orchestrator.api.meta import Object
from orchestrator.util.link import Link, linger, wait

log = logging.getLogger(__name__)

#: Seconds between looks for the exit code of a process whose output has ended.
_EXIT_POLL = 0.005
_EXIT_POLL_MAX = 0.5
#: Seconds, and bytes of input, until a client is ready for output (as the kubelet has it: 30 seconds).
CREATION_TIMEOUT = 30.0
_MAX_EARLY = 1024 * 1024
#: Bytes that a client may leave unread before it is not heard: what it sends may have an answer. More than output
#: alone makes it hold, so that a Ctrl-C is heard also while the output stands still.
_HELD = 1024 * 1024


class CommandSession:
    """`run` serves one client. The process is only begun when the client is ready for what it says."""

    def __init__(self, client: Link, wire: CommandWire, begin: Callable[[], Process]) -> None:
        self._client, self._wire, self._begin = client, wire, begin
        #: Input that came before there was a process.
        self._early: list[Received | Ended] = []
        self._process: Process | None = None

    def run(self) -> None:
        """Returns when all is said and the client knows, or is gone."""
        try:
            self._await_ready()
            self._talk()
        except ProtocolError as error:
            log.warning("an exec or attach ends: %s", error)
            self._wire.fail(error)
            self._client.write(self._wire.outgoing())
        except RuntimeFailure as error:
            self._end(InternalError(f"error executing command in container: {error}").status())
        finally:
            if self._process is not None:
                self._process.close()
            linger(self._client)

    def _await_ready(self) -> None:
        """Raises ProtocolError when the client does not open its streams."""
        deadline, early = time.monotonic() + CREATION_TIMEOUT, 0
        while not self._wire.ready and not self._gone:
            wait([(self._client, True)], deadline - time.monotonic())
            data = self._client.read()
            early += len(data)
            if early > _MAX_EARLY or time.monotonic() > deadline:
                raise ProtocolError("timed out waiting for client to create streams")
            self._early += self._wire.receive(data)
            self._client.write(self._wire.outgoing())

    def _talk(self) -> None:
        if self._gone:
            return
        process = self._process = self._begin()
        for event in self._early:
            self._take(event, process)
        while not process.link.ended and not self._gone:
            hearing = not process.link.full and self._client.held < _HELD
            wait([(self._client, hearing), (process.link, not self._client.full)])
            if hearing:
                self._hear(process)
            if not self._client.full:
                for channel, data in process.read():
                    self._wire.send(channel, data)
            self._client.write(self._wire.outgoing())
        self._report(process)

    @property
    def _gone(self) -> bool:
        return self._client.ended or self._wire.closed

    def _hear(self, process: Process) -> None:
        for event in self._wire.receive(self._client.read()):
            self._take(event, process)

    def _take(self, event: Received | Ended, process: Process) -> None:
        if event.channel == STDIN:
            if isinstance(event, Ended):
                process.link.finish()
            else:
                process.link.write(event.data)
        elif event.channel == SIZE and isinstance(event, Received):
            _resize(process, event.data)

    def _report(self, process: Process) -> None:
        """The output has ended; the exit code may come a moment later."""
        pause = _EXIT_POLL
        while not self._gone:
            if (code := process.exit_code()) is not None:
                self._end(exit_status(code))
                return
            hearing = self._client.held < _HELD
            wait([(self._client, hearing)], pause)
            pause = min(2 * pause, _EXIT_POLL_MAX)
            if hearing:
                self._hear(process)
            self._client.write(self._wire.outgoing())

    def _end(self, status: Object) -> None:
        self._wire.finish(status)
        self._client.write(self._wire.outgoing())


def exit_status(code: int) -> Object:
    """The Status that tells kubectl how a command ended."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _resize(process: Process, message: bytes) -> None:
    """`{"Width": 80, "Height": 24}`; a terminal that is not shown yet has no size."""
    try:
        size = orjson.loads(message)
        width, height = int(size["Width"]), int(size["Height"])
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"a terminal size that cannot be read: {error}") from None
    if width > 0 and height > 0:
        process.resize(width, height)
