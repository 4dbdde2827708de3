"""The prober's schedule, on a clock that the test moves."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agent.prober import CHECKS, Prober, Target
from agent.runtime.base import ExecResult, RuntimeFailure
from agent.runtime.fake import FakeRuntime
from orchestrator.api.meta import Object, uid
from orchestrator.client.client import Client
from orchestrator.client.events import EventRecorder
from orchestrator.util.clock import FakeClock, SystemClock
from tests.fakes.agent import eventually
from tests.fakes.pods import container, pod
from tests.fakes.store_api import FakeApi
from tests.unit.agent.observations import instance


class Commands(FakeRuntime):
    """Commands succeed unless they are in `failing`; they are counted."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.failing: set[str] = set()
        self.refusing = False
        self.ran: Counter[str] = Counter()

    def exec(self, id: str, command: Any, timeout: float) -> ExecResult:
        if self.refusing:
            raise RuntimeFailure("the engine is gone")
        self.ran[command[0]] += 1
        return ExecResult(1 if command[0] in self.failing else 0, b"no luck")


class Bench:
    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.runtime, self.turns = clock, Commands(clock), threading.Semaphore(0)
        self.api = FakeApi(clock)
        recorder = EventRecorder(Client(self.api), "kubelet", clock=clock)
        self.prober = Prober(self.runtime, recorder, lambda uid: self.turns.release(), clock)
        self.prober.start()
        self.asked: Object = {}

    def probe(self, **probes: Object) -> None:
        spec = container(**{f"{kind}Probe": {"exec": {"command": [kind]}, **fields} for kind, fields in probes.items()})
        self.asked = pod("web", spec)
        state = instance(started_at=self.clock.now())
        self.prober.update(self.asked, [Target(spec, state, "127.0.0.1")])

    @property
    def health(self) -> Any:
        return self.prober.health(uid(self.asked))

    def ran(self, kind: str, times: int) -> bool:
        return bool(eventually(lambda: self.runtime.ran[kind] == times))

    def turned(self) -> None:
        assert self.turns.acquire(timeout=5)


@pytest.fixture
def bench(clock: FakeClock) -> Iterator[Bench]:
    made = Bench(clock)
    yield made
    made.prober.stop()


def test_a_container_is_ready_after_its_first_success(bench: Bench) -> None:
    bench.runtime.failing.add("readiness")
    bench.probe(readiness={"periodSeconds": 5})
    assert bench.health.unready == {"app-0"}
    bench.ran("readiness", 1)
    bench.runtime.failing.clear()
    eventually(lambda: bench.api.of("create"))
    bench.clock.advance(5)
    bench.turned()
    assert bench.health.unready == frozenset()
    (event,) = (request.body for request in bench.api.of("create"))
    assert (event["reason"], event["message"]) == ("Unhealthy", "Readiness probe failed: no luck")


def test_the_first_probe_waits_for_its_delay(bench: Bench) -> None:
    bench.probe(readiness={"initialDelaySeconds": 30}, liveness={})
    bench.ran("liveness", 1)
    assert bench.runtime.ran["readiness"] == 0
    bench.clock.advance(30)
    bench.turned()
    assert bench.runtime.ran["readiness"] == 1


def test_a_liveness_probe_that_fails_for_good_is_told_and_ends(bench: Bench) -> None:
    bench.runtime.failing.add("liveness")
    bench.probe(liveness={"periodSeconds": 1, "failureThreshold": 2})
    bench.ran("liveness", 1)
    assert bench.health.unhealthy == {}
    eventually(lambda: bench.api.of("create"))
    bench.clock.advance(1)
    bench.turned()
    assert bench.health.unhealthy == {"app-0": "liveness"}
    bench.clock.advance(100)
    assert bench.runtime.ran["liveness"] == 2


def test_the_startup_probe_holds_back_the_others(bench: Bench) -> None:
    bench.runtime.failing.add("startup")
    bench.probe(startup={"periodSeconds": 1}, readiness={})
    bench.ran("startup", 1)
    assert bench.health.starting == {"app-0"}
    assert bench.runtime.ran["readiness"] == 0
    eventually(lambda: bench.api.of("create"))
    bench.runtime.failing.clear()
    bench.clock.advance(1)
    bench.turned()
    bench.turned()
    assert bench.health.starting == bench.health.unready == frozenset()
    bench.clock.advance(1)
    assert bench.runtime.ran["startup"] == 2


def test_who_is_gone_is_probed_no_more(bench: Bench) -> None:
    bench.probe(readiness={"periodSeconds": 1})
    bench.turned()
    bench.prober.update(bench.asked, [])
    assert bench.health.unready == frozenset()
    bench.clock.advance(10)
    bench.probe(liveness={})
    bench.ran("liveness", 1)
    assert bench.runtime.ran["readiness"] == 1


def test_who_was_ready_under_the_last_agent_stays_so(bench: Bench) -> None:
    spec = container(readinessProbe={"exec": {"command": ["readiness"]}, "initialDelaySeconds": 60})
    asked = pod("web", spec)
    bench.prober.update(asked, [Target(spec, instance(started_at=bench.clock.now()), "127.0.0.1", ready=True)])
    assert bench.prober.health(uid(asked)).unready == frozenset()


def test_a_check_that_could_not_be_made_counts_as_none(bench: Bench) -> None:
    bench.runtime.refusing = True
    bench.probe(liveness={"periodSeconds": 1, "failureThreshold": 1}, readiness={"periodSeconds": 1})
    (event, *_) = eventually(lambda: [request.body for request in bench.api.of("create")])
    assert event["reason"] == "Unhealthy"
    assert "probe errored and resulted in unknown state" in event["message"]
    assert bench.health.unhealthy == {}
    bench.runtime.refusing = False
    eventually(lambda: bench.clock.advance(1) or bench.health.unready == frozenset())


def test_200_pods_that_never_answer_are_probed_in_time_by_a_bounded_number_of_threads() -> None:
    """Late is what starts after its time; threads are counted while the checks hang. A second here is a tenth."""
    began: dict[str, list[float]] = {}
    running, most = set[str](), 0
    lock = threading.Lock()

    class Hanging(FakeRuntime):
        def exec(self, id: str, command: Any, timeout: float) -> ExecResult:
            nonlocal most
            with lock:
                began.setdefault(id, []).append(time.monotonic())
                running.add(id)
                most = max(most, len(running))
            threading.Event().wait(0.1)
            with lock:
                running.discard(id)
            raise TimeoutError

    clock = SystemClock()
    prober = Prober(Hanging(clock), EventRecorder(Client(FakeApi(clock)), "kubelet"), lambda uid: None, clock)
    prober.start()
    spec = container(livenessProbe={"exec": {"command": ["up"]}, "periodSeconds": 1, "failureThreshold": 100})
    try:
        for number in range(200):
            state = replace(instance(started_at=clock.now()), id=f"c{number}")
            prober.update(pod(f"web-{number}"), [Target(spec, state, "127.0.0.1")])
        eventually(lambda: all(len(began.get(f"c{number}", ())) >= 3 for number in range(200)))
    finally:
        prober.stop()
    assert most <= CHECKS
    # The grid is kept: the third check comes two periods after the first, but for the wait for a thread.
    late = [abs(times[2] - times[0] - 2) for times in began.values()]
    assert max(late) < 0.8, max(late)
