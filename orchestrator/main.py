"""Composition root of the master: API server, scheduler and controllers, in one process or in one each."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from orchestrator.api.access import AUTHENTICATED
from orchestrator.api.request import User
from orchestrator.client.client import Client, Transport
from orchestrator.client.events import EventRecorder
from orchestrator.client.informers import Informers
from orchestrator.server.authentication import TokensDamaged
from orchestrator.server.local import LocalTransport
from orchestrator.server.serve import ApiServer
from orchestrator.server.wsgi import CannotListen
from orchestrator.store.base import Store, StoreDamaged, StoreUnavailable
from orchestrator.util import descriptors, logs
from orchestrator.util.clock import Clock, SystemClock
from orchestrator.util.identity import identity
from orchestrator.util.settings import Settings, SettingsError, load

COMPONENTS = ("api", "scheduler", "controllers")
#: Who each component is: its user where it runs beside the API server, its certificate where it does not.
_USERS = {
    "scheduler": User("system:kube-scheduler", (AUTHENTICATED,)),
    "controllers": User("system:kube-controller-manager", (AUTHENTICATED,)),
}
#: Under which names their Events are.
_REPORTERS = {"scheduler": "default-scheduler", "controllers": "controller-manager"}
_CANNOT_START = (SettingsError, StoreDamaged, StoreUnavailable, CannotListen, TokensDamaged, OSError)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. 1, and a sentence on standard error, when that cannot begin."""
    given = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logs.setup()
    descriptors.raise_limit()
    try:
        with master(load(given.home), given.components):
            stop.wait()
    except _CANNOT_START as error:
        print(f"podlab: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m orchestrator", description="The master of a podlab cluster.")
    parser.add_argument("--home", type=Path, required=True, help="the cluster's home folder")
    parser.add_argument(
        "--components", type=_components, default=COMPONENTS, help=f"comma-separated, of {', '.join(COMPONENTS)}"
    )
    return parser


def _components(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if unknown := set(names) - set(COMPONENTS):
        raise argparse.ArgumentTypeError(f"no component is called {', '.join(sorted(unknown))}")
    return names


@contextmanager
def master(
    settings: Settings, components: Sequence[str] = COMPONENTS, store: Store | None = None
) -> Iterator[ApiServer | None]:
    """The components, running; they stop in the opposite order. `store` None opens the cluster's own."""
    clock = SystemClock()
    with ExitStack() as stack:
        api = None
        if "api" in components:
            api = ApiServer(settings, store or _open_store(settings, clock, stack), clock)
            api.start()
            stack.callback(api.stop)
        clients = {name: Client(_transport(name, settings, api)) for name in components if name != "api"}
        if clients:
            stack.enter_context(_loops(clients, settings, clock))
        yield api


def _open_store(settings: Settings, clock: Clock, stack: ExitStack) -> Store:
    from orchestrator.store.jsonfile import JsonFileStore

    store = JsonFileStore(settings.store, clock, settings.history)
    stack.callback(store.close)
    return store


def _transport(name: str, settings: Settings, api: ApiServer | None) -> Transport:
    if api is not None:
        return LocalTransport(api.resources, _USERS[name])
    # Only a process without the API server needs an HTTP client.
    from orchestrator.client.http import HttpTransport

    agent = _USERS[name].name.rpartition(":")[2]
    return HttpTransport(settings.server, identity(settings.pki, name), agent=agent)


class _Loop(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def _loops(clients: Mapping[str, Client], settings: Settings, clock: Clock) -> Iterator[None]:
    """Scheduler and controllers, each with its own client, over the same informers."""
    # Of the two only the controllers may read everything.
    informers = Informers(clients.get("controllers") or clients["scheduler"])
    recorders = {name: EventRecorder(client, _REPORTERS[name]) for name, client in clients.items()}
    loops: list[_Loop] = []
    # A process loads the parts it runs, and after the API server listens: agents need not wait for them.
    if client := clients.get("scheduler"):
        from orchestrator.scheduler.loop import Scheduler

        loops.append(Scheduler(client, informers, recorders["scheduler"], clock, random.Random()))
    if client := clients.get("controllers"):
        from orchestrator.controllers.manager import Controllers

        loops.append(Controllers(client, informers, recorders["controllers"], clock, settings))
    informers.start()
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        informers.stop()
        for loop in reversed(loops):
            loop.stop()
        for recorder in recorders.values():
            recorder.stop()
