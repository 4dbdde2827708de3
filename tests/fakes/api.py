"""The whole API in the test's own process, over a memory store: without HTTP, or listening on a free port."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.request import User
from orchestrator.client.client import Client
from orchestrator.server.admission import standard
from orchestrator.server.bootstrap import bootstrap
from orchestrator.server.local import LocalTransport
from orchestrator.server.resources import Resources
from orchestrator.server.security import security
from orchestrator.server.serve import ApiServer
from orchestrator.server.served import ServedKinds
from orchestrator.server.summaries import Summaries, no_summaries
from orchestrator.store.memory import MemoryStore
from orchestrator.util import pki
from orchestrator.util.clock import Clock, SystemClock
from orchestrator.util.settings import Settings

ADMIN = User("kubernetes-admin", ("system:masters", "system:authenticated"))


def local_api(
    clock: Clock | None = None,
    user: User = ADMIN,
    home: Path = Path("/nonexistent"),
    summaries: Summaries = no_summaries,
) -> tuple[Resources, Client]:
    """An API server with the objects every cluster begins with, and a client of it that is `user`.

    `home` is needed for service account tokens: it has their key. `summaries` stands for the agents' figures.
    """
    clock = clock or SystemClock()
    settings = Settings(home=home)
    rng = random.Random(1)
    store = MemoryStore(clock)
    secured = security(store, settings, clock)
    plugins = standard(store, settings, rng, secured.authorizer)
    resources = Resources(store, ServedKinds(BUILTIN, store), plugins, secured, clock, rng, summaries)
    bootstrap(resources, settings)
    return resources, Client(LocalTransport(resources, user))


def cluster_home(home: Path) -> Settings:
    """Saved settings with a free port, and the identities `apiserver`, `admin` and `n1`, in `home`."""
    settings = Settings(home=home, api_port=free_port())
    settings.save()
    pki.ensure(settings.pki, "apiserver", "kube-apiserver", hosts=["localhost", "127.0.0.1"])
    pki.ensure_key(settings.token_key)
    pki.ensure(settings.pki, "admin", "kubernetes-admin", ["system:masters"])
    pki.ensure(settings.pki, "n1", "system:node:n1", ["system:nodes"], ["n1", "127.0.0.1"])
    return settings


@contextmanager
def live_api(home: Path, clock: Clock | None = None) -> Iterator[tuple[ApiServer, Settings]]:
    """An API server that listens; its settings say where, and where the certificates are."""
    clock = clock or SystemClock()
    settings = cluster_home(home)
    server = ApiServer(settings, MemoryStore(clock), clock)
    server.start()
    try:
        yield server, settings
    finally:
        server.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
