from __future__ import annotations

from agent.pull_backoff import FIRST, LONGEST, PullBackoff
from orchestrator.util.clock import FakeClock


def test_it_doubles_and_has_an_end(clock: FakeClock) -> None:
    backoff = PullBackoff(clock)
    for delay in (10, 20, 40, 80, 160, 300, 300):
        backoff.failed("a", "denied")
        assert backoff.left("a") == (delay, "denied")
        clock.advance(delay)
        assert backoff.left("a")[0] == 0


def test_it_is_each_ones_own(clock: FakeClock) -> None:
    backoff = PullBackoff(clock)
    backoff.failed("a", "denied")
    assert backoff.left("b") == (0.0, "")


def test_it_begins_anew_after_a_success_and_after_long(clock: FakeClock) -> None:
    backoff = PullBackoff(clock)
    for _ in range(3):
        backoff.failed("a", "denied")
    backoff.succeeded("a")
    backoff.failed("a", "denied")
    assert backoff.left("a")[0] == FIRST
    clock.advance(FIRST + LONGEST + 1)
    backoff.failed("a", "denied")
    assert backoff.left("a")[0] == FIRST


def test_nothing_is_remembered_of_pods_that_are_long_gone(clock: FakeClock) -> None:
    backoff = PullBackoff(clock)
    for number in range(100):
        backoff.failed(number, "denied")
    clock.advance(FIRST + LONGEST + 1)
    backoff.failed("a", "denied")
    assert [backoff.left(number) for number in range(100)] == [(0.0, "")] * 100
