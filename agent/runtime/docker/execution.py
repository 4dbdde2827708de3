"""Running a command in a container, with a deadline that the engine itself does not have."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from docker import APIClient

from agent.runtime.base import ExecResult, NoSuchContainer
from agent.runtime.docker.failures import checked, translated
from agent.runtime.docker.streams import EngineStream, demultiplex

#: The engine ends the output a moment before it knows the exit code.
_EXIT_POLL_SECONDS = 0.005


def run(client: APIClient, id: str, command: Sequence[str], timeout: float) -> ExecResult:
    """Raises TimeoutError after `timeout` seconds, when the command is killed as far as we may."""
    deadline = time.monotonic() + timeout
    with translated(NoSuchContainer):
        execution = client.exec_create(id, list(command))["Id"]
        # Without asking for an upgrade of the connection the output is a plain body that ends with it.
        address = f"{client.base_url}/v{client.api_version}/exec/{execution}/start"
        options = {"Detach": False, "Tty": False}
        answer = checked(client.post(address, json=options, stream=True, timeout=timeout + client.timeout))
    output = _collect(EngineStream(answer, demultiplex), deadline)
    code = _last_code(client, execution, deadline)
    if code is None:
        _kill(client, execution, id)
        raise TimeoutError(f"command {' '.join(command)!r} did not end within {timeout:g} s")
    return ExecResult(code, output)


def _collect(stream: EngineStream[bytes], deadline: float) -> bytes:
    """What comes before the deadline."""
    alarm = threading.Timer(max(0.0, deadline - time.monotonic()), stream.close)
    alarm.daemon = True
    alarm.start()
    try:
        return b"".join(stream)
    finally:
        alarm.cancel()


def _last_code(client: APIClient, execution: str, deadline: float) -> int | None:
    """The exit code, or None when the command still runs at the deadline."""
    while (code := exit_code(client, execution)) is None and time.monotonic() < deadline:
        time.sleep(_EXIT_POLL_SECONDS)
    return code


def exit_code(client: APIClient, execution: str) -> int | None:
    """None while it runs."""
    with translated(NoSuchContainer):
        state = client.exec_inspect(execution)
    return None if state["Running"] or state["ExitCode"] is None else int(state["ExitCode"])


def _kill(client: APIClient, execution: str, container: str) -> None:
    """End the command and its children (the engine makes it the leader of a process group).

    The engine has no call for it, so this works only where its processes are ours to see and to kill.
    """
    with translated(NoSuchContainer):
        pid = int(client.exec_inspect(execution).get("Pid") or 0)
    try:
        if pid and container in Path(f"/proc/{pid}/cgroup").read_text():
            os.killpg(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return  # it ended by itself, or is another user's: it then runs on until its container ends
