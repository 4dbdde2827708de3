"""Statuses get through, the newest wins, and nothing comes back from the dead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.status_sender import StatusSender
from orchestrator.api.errors import NotFound, ServiceUnavailable
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from orchestrator.util.clock import FakeClock
from tests.fakes.agent import eventually
from tests.fakes.pods import pod
from tests.fakes.store_api import FakeApi


class Bench:
    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.api = clock, FakeApi(clock)
        self.client = Client(self.api)
        self.sender = StatusSender(self.client, clock)
        self.pod = self.client.create(POD, pod("web"))

    def post(self, phase: str, of: Object | None = None) -> None:
        self.sender.post(of or self.pod, {"phase": phase, "conditions": []})

    def phase(self) -> str:
        return str(self.client.get(POD, "web", "default")["status"]["phase"])


@pytest.fixture
def bench(clock: FakeClock) -> Iterator[Bench]:
    made = Bench(clock)
    yield made
    made.sender.stop()


def test_only_the_newest_of_what_waits_is_written(bench: Bench) -> None:
    for phase in ("Pending", "Running", "Failed"):
        bench.post(phase)
    bench.sender.start()
    eventually(lambda: bench.phase() == "Failed")
    assert len(bench.api.of("patch")) == 1


def test_what_could_not_be_written_is_written_when_the_master_is_back(bench: Bench) -> None:
    bench.api.failure = ServiceUnavailable("away")
    bench.sender.start()
    bench.post("Running")
    bench.api.wait_requests(1, "patch")
    bench.api.failure = None

    def arrived() -> bool:
        bench.clock.advance(1)
        return bench.phase() == "Running"

    eventually(arrived)


def test_the_last_status_comes_before_the_deletion(bench: Bench) -> None:
    bench.post("Failed")
    bench.sender.finish(bench.pod)
    bench.sender.start()
    (deletion,) = bench.api.wait_requests(1, "delete")
    assert [request.verb for request in bench.api.requests[-2:]] == ["patch", "delete"]
    assert deletion.body["gracePeriodSeconds"] == 0
    assert deletion.body["preconditions"] == {"uid": bench.pod["metadata"]["uid"]}


def test_a_pod_that_is_gone_stays_gone(bench: Bench) -> None:
    bench.client.delete(POD, "web", "default")
    bench.sender.start()
    bench.post("Running")
    other = bench.client.create(POD, pod("other"))
    bench.post("Running", other)
    eventually(lambda: bench.client.get(POD, "other", "default")["status"]["phase"] == "Running")
    with pytest.raises(NotFound):
        bench.client.get(POD, "web", "default")
