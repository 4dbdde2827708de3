"""When a node is under pressure, for how long, and when pods must go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.eviction.config import Amount, EvictionConfig, Threshold
from agent.eviction.signals import MEMORY, NODE_DISK, PIDS, Observation
from agent.eviction.thresholds import Shortage, any_met, update

HARD = Threshold(MEMORY, Amount("100"), reclaim=Amount("50"))
SOFT = Threshold(MEMORY, Amount("300"), grace=30)
DISK = Threshold(NODE_DISK, Amount("10%"))
CONFIG = EvictionConfig((DISK, SOFT, HARD), transition=60)
CALM = {MEMORY: Observation(500, 1000), NODE_DISK: Observation(500, 1000)}


def low(**left: int) -> dict[str, Observation]:
    names = {"memory": MEMORY, "disk": NODE_DISK}
    return CALM | {names[name]: Observation(amount, 1000) for name, amount in left.items()}


def test_enough_of_everything() -> None:
    assert update(Shortage(), CALM, CONFIG, 0) == Shortage()


def test_a_hard_threshold_is_due_at_once() -> None:
    found = update(Shortage(), low(disk=99), CONFIG, 5)
    assert (found.conditions, found.due) == (frozenset({"DiskPressure"}), (DISK,))
    assert update(Shortage(), low(disk=100), CONFIG, 5) == Shortage()


def test_a_soft_threshold_is_due_after_its_grace_period() -> None:
    first = update(Shortage(), low(memory=299), CONFIG, 10)
    assert (first.conditions, first.due) == (frozenset({"MemoryPressure"}), ())
    assert update(first, low(memory=250), CONFIG, 39).due == ()
    assert update(first, low(memory=250), CONFIG, 40).due == (SOFT,)


def test_the_grace_period_begins_anew_after_a_recovery() -> None:
    short = update(Shortage(), low(memory=299), CONFIG, 0)
    better = update(short, CALM, CONFIG, 20)
    again = update(better, low(memory=299), CONFIG, 30)
    assert update(again, low(memory=299), CONFIG, 59).due == ()
    assert update(again, low(memory=299), CONFIG, 60).due == (SOFT,)


def test_a_condition_stays_for_the_transition_period() -> None:
    short = update(Shortage(), low(disk=1), CONFIG, 0)
    after = update(short, CALM, CONFIG, 59)
    assert (after.conditions, after.due) == (frozenset({"DiskPressure"}), ())
    assert update(after, CALM, CONFIG, 60).conditions == frozenset()


def test_what_was_acted_on_is_over_when_the_minimum_is_reclaimed() -> None:
    short = update(Shortage(), low(memory=99), CONFIG, 0)
    assert short.due == (HARD,)
    assert update(Shortage(), low(memory=149), CONFIG, 1).due == ()
    nearly = update(short, low(memory=149), CONFIG, 1)
    assert nearly.due == (HARD,)
    assert update(nearly, low(memory=150), CONFIG, 2).due == ()
    assert any_met((HARD,), low(memory=149)) and not any_met((HARD,), low(memory=150))


def test_memory_comes_first_and_hard_before_soft() -> None:
    found = update(Shortage({SOFT: 0.0}), low(memory=1, disk=1), CONFIG, 30)
    assert found.due == (HARD, SOFT, DISK)


def test_what_cannot_be_observed_meets_nothing() -> None:
    config = EvictionConfig((Threshold(PIDS, Amount("10%")),))
    assert update(Shortage(), CALM, config, 0) == Shortage()


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 40)), max_size=30))
def test_pods_go_only_while_the_node_is_short_and_shows_it(walk: list[tuple[int, int]]) -> None:
    shortage, now = Shortage(), 0.0
    for memory, pause in walk:
        now += pause
        shortage = update(shortage, low(memory=memory), CONFIG, now)
        assert set(shortage.due) <= set(shortage.since)
        assert all(now - at >= threshold.grace for threshold, at in shortage.since.items() if threshold in shortage.due)
        assert not shortage.due or "MemoryPressure" in shortage.conditions
        assert memory < 300 or not shortage.since
        assert memory >= 100 or HARD in shortage.due
