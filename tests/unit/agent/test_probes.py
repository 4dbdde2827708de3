from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.probes import Outcome, Probe, ProbeState, early_retry, next_due, probes_of, record
from tests.fakes.pods import container

READINESS = Probe("readiness", {}, success_threshold=2, failure_threshold=3)


def after(probe: Probe, results: str) -> bool | None:
    state = ProbeState()
    for result in results:
        state = record(probe, state, result == "+")
    return state.passing


@pytest.mark.parametrize(
    ("results", "passing"),
    [
        ("", None),
        ("+", None),
        ("++", True),
        ("+-+", None),
        ("++--", True),
        ("++---", False),
        ("++--+--", True),
        ("---", False),
        ("---+", False),
        ("---++", True),
    ],
)
def test_a_verdict_takes_results_in_a_row(results: str, passing: bool | None) -> None:
    assert after(READINESS, results) is passing


QUARTERS = st.integers(0, 10**6).map(lambda number: number / 4)


@given(QUARTERS, QUARTERS, st.integers(1, 300))
def test_the_schedule_neither_drifts_nor_piles_up(due: float, late: float, period: int) -> None:
    now = due + late
    following = next_due(Probe("liveness", {}, period=period), due, now)
    assert now < following <= now + period
    assert (following - due) % period == 0


def test_nobody_listening_yet_is_tried_again_soon_and_not_counted() -> None:
    probe, refused = Probe("readiness", {}, period=10), Outcome(False, refused=True)
    waits, since = [], 0.0
    while (wait := early_retry(probe, ProbeState(), refused, since)) is not None:
        waits.append(wait)
        since += wait
    assert waits[:4] == [0.05, 0.05, 0.1, 0.2]
    assert since < 10


@pytest.mark.parametrize(
    ("probe", "state", "outcome"),
    [
        (Probe("liveness", {}), ProbeState(), Outcome(False, refused=True)),
        (Probe("readiness", {}), ProbeState(failures=1), Outcome(False, refused=True)),
        (Probe("readiness", {}), ProbeState(passing=True, successes=1), Outcome(False, refused=True)),
        (Probe("readiness", {}), ProbeState(), Outcome(False, "HTTP probe failed with statuscode: 500")),
    ],
)
def test_other_failures_count(probe: Probe, state: ProbeState, outcome: Outcome) -> None:
    assert early_retry(probe, state, outcome, 0.0) is None


def test_probes_have_kubernetes_defaults() -> None:
    handler = {"httpGet": {"port": 80}}
    (probe,) = probes_of(container(readinessProbe=handler))
    assert probe == Probe("readiness", handler, 0.0, 10.0, 1.0, 1, 3)
