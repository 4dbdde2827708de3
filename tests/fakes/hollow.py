"""Hollow nodes: whole agents over an engine in memory, many in one process; only the containers are not real.

    python -m tests.fakes.hollow --home DIR --nodes N

They run until SIGTERM. A line on the standard output says that all are registered.
"""

from __future__ import annotations

import argparse
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.main import Agent
from agent.runtime.base import LABEL_UID
from agent.runtime.fake import FakeRuntime
from agent.volume_folders import volume_folders
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.util import descriptors, logs, pki
from orchestrator.util.clock import SystemClock
from orchestrator.util.settings import Settings, load

_READY = "registered\n"


def names(count: int) -> list[str]:
    return [f"hollow-{number}" for number in range(count)]


@contextmanager
def hollow_nodes(home: Path, count: int) -> Iterator[int]:
    """`count` nodes of the cluster in `home`, all registered, in a process of their own, whose id this gives."""
    command = [sys.executable, "-m", "tests.fakes.hollow", "--home", str(home), "--nodes", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == _READY, "the hollow nodes did not start"
            yield process.pid
        finally:
            process.terminate()


class Fleet:
    def __init__(self, settings: Settings, count: int) -> None:
        self._settings = settings
        self._engines = {node: FakeRuntime(SystemClock()) for node in names(count)}
        self._agents = {node: _agent(settings, node, engine) for node, engine in self._engines.items()}

    def pods(self) -> set[str]:
        """The uids of the pods of which there is a container on any node."""
        return {state.labels[LABEL_UID] for engine in self._engines.values() for state in engine.list({})}

    def start(self) -> None:
        """Returns when all are registered."""
        for agent in self._agents.values():
            agent.start()
        for agent in self._agents.values():
            agent.node.registered.wait()

    def stop(self) -> None:
        """Also removes the volumes: no other agent will adopt these pods."""
        for agent in self._agents.values():
            agent.stop()
        for node, engine in self._engines.items():
            volume_folders(self._settings.node_dir(node), engine).clear()


def _agent(settings: Settings, node: str, engine: FakeRuntime) -> Agent:
    identity = pki.ensure(settings.pki, node, f"system:node:{node}", ["system:nodes"], [node, "127.0.0.1"])
    client = Client(HttpTransport(settings.server, identity, agent="kubelet"))
    return Agent(settings, node, client, engine, identity, SystemClock())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--nodes", type=int, required=True)
    arguments = parser.parse_args()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    logs.setup()
    logging.getLogger().setLevel(logging.WARNING)
    descriptors.raise_limit()
    fleet = Fleet(load(arguments.home), arguments.nodes)
    fleet.start()
    print(_READY, end="", flush=True)
    stopping.wait()
    fleet.stop()


if __name__ == "__main__":
    main()
