"""The order in which pods end when the machine goes down."""

from __future__ import annotations

import pytest

from agent.shutdown.plan import MESSAGE, Wave, waves
from tests.fakes.pods import pod

WEB, DNS = pod("web"), pod("dns", priority=2_000_000_000)


@pytest.mark.parametrize(
    ("period", "critical", "expected"),
    [
        (30, 10, [Wave((WEB,), 20), Wave((DNS,), 10)]),
        (30, 0, [Wave((WEB,), 30), Wave((DNS,), 0)]),
        (5, 10, [Wave((WEB,), 0), Wave((DNS,), 5)]),
    ],
)
def test_critical_pods_end_last(period: float, critical: float, expected: list[Wave]) -> None:
    assert waves([DNS, WEB], period, critical) == expected


def test_nobody_waits_for_nobody() -> None:
    assert waves([], 30, 10) == []
    assert waves([WEB], 30, 10) == [Wave((WEB,), 20)]


def test_a_wave_gives_its_pods_no_longer_than_it_lasts() -> None:
    verdict = Wave((WEB,), 20.9).verdict
    assert (verdict.reason, verdict.message, verdict.grace) == ("Terminated", MESSAGE, 20)
