from __future__ import annotations

from orchestrator.api.meta import Key
from orchestrator.controllers.expectations import TIMEOUT, Expectations
from orchestrator.util.clock import FakeClock

KEY = Key("default/web")


def test_nothing_expected_is_satisfied(clock: FakeClock) -> None:
    assert Expectations(clock).satisfied(KEY)


def test_creations_are_counted_down(clock: FakeClock) -> None:
    expectations = Expectations(clock)
    expectations.expect(KEY, creations=3)
    expectations.creation_observed(KEY)
    assert not expectations.satisfied(KEY)
    expectations.creation_observed(KEY, 2)
    assert expectations.satisfied(KEY)


def test_deletions_are_known_by_uid(clock: FakeClock) -> None:
    expectations = Expectations(clock)
    expectations.expect(KEY, deletions=["a", "b"])
    expectations.deletion_observed(KEY, "a")
    expectations.deletion_observed(KEY, "a")
    assert not expectations.satisfied(KEY)
    expectations.deletion_observed(KEY, "b")
    assert expectations.satisfied(KEY)


def test_what_never_comes_is_not_waited_for_for_ever(clock: FakeClock) -> None:
    expectations = Expectations(clock)
    expectations.expect(KEY, creations=1)
    clock.advance(TIMEOUT + 1)
    assert expectations.satisfied(KEY)


def test_forgetting(clock: FakeClock) -> None:
    expectations = Expectations(clock)
    expectations.expect(KEY, creations=1)
    expectations.forget(KEY)
    assert expectations.satisfied(KEY)
