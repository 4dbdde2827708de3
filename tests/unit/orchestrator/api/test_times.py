from __future__ import annotations

import pytest

from orchestrator.api.times import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (0.25, "0.25s"),
        (15.0123, "15.012s"),
        (59.9996, "1m0s"),
        (61.5, "1m1.5s"),
        (7200.5, "2h0m0.5s"),
    ],
)
def test_a_duration_as_go_prints_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text
