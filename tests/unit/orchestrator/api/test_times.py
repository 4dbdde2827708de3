from __future__ import annotations

import pytest

from orchestrator.api.times import duration, duration_seconds


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


@pytest.mark.parametrize(
    ("text", "expected"), [("0s", 0.0), ("15.012s", 15.012), ("-1h30m", -5400.0), ("1m500ms", 60.5), ("2µs", 2e-6)]
)
def test_a_duration_as_go_writes_it(text: str, expected: float) -> None:
    assert duration_seconds(text) == pytest.approx(expected)
