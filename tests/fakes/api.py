"""The whole API in the test's own process: no HTTP, a memory store, the standard admission."""

from __future__ import annotations

import random
from pathlib import Path

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.request import User
from orchestrator.client.client import Client
from orchestrator.server.admission import standard
from orchestrator.server.bootstrap import bootstrap
from orchestrator.server.local import LocalTransport
from orchestrator.server.resources import Resources
from orchestrator.store.memory import MemoryStore
from orchestrator.util.clock import Clock, SystemClock
from orchestrator.util.settings import Settings

ADMIN = User("kubernetes-admin", ("system:masters", "system:authenticated"))


def local_api(clock: Clock | None = None, user: User = ADMIN) -> tuple[Resources, Client]:
    """An API server with the objects every cluster begins with, and a client of it that is `user`."""
    clock = clock or SystemClock()
    settings = Settings(home=Path("/nonexistent"))
    rng = random.Random(1)
    store = MemoryStore(clock)
    resources = Resources(store, BUILTIN, standard(store, settings, rng), clock, rng)
    bootstrap(resources, settings)
    return resources, Client(LocalTransport(resources, user))
