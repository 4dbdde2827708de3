from __future__ import annotations

import pytest

from orchestrator.client.client import Client
from orchestrator.server.resources import Resources
from orchestrator.util.clock import FakeClock
from tests.fakes.api import local_api


@pytest.fixture
def api(clock: FakeClock) -> tuple[Resources, Client]:
    return local_api(clock)


@pytest.fixture
def client(api: tuple[Resources, Client]) -> Client:
    return api[1]


@pytest.fixture
def resources(api: tuple[Resources, Client]) -> Resources:
    return api[0]
