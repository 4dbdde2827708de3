"""A few of the runs of `python -m tests.faults.killed_master`: a master killed in the middle of a rollout."""

from __future__ import annotations

import pytest

from tests.faults.killed_master import lab

#: Three rolling updates and a scale-up.
RUNS = 4


@pytest.mark.slow
def test_every_run_comes_to_its_end_within_its_bounds() -> None:
    with lab() as running:
        assert [wrong for number in range(RUNS) for wrong in running.run(number)] == []
