from __future__ import annotations

import random

import pytest

from orchestrator.client.backoff import Backoff


def test_grows_to_its_limit_and_starts_anew() -> None:
    backoff = Backoff(1, 5, jitter=0)
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]
    backoff.reset()
    assert backoff.next() == 1


@pytest.mark.parametrize("seed", range(20))
def test_jitter_only_lengthens(seed: int) -> None:
    backoff = Backoff(1, 1, jitter=0.5, rng=random.Random(seed))
    delays = [backoff.next() for _ in range(20)]
    assert all(1 <= delay < 1.5 for delay in delays)
    assert len(set(delays)) > 1
