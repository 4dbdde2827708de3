"""The soak of `python -m tests.soak`, short; PODLAB_SOAK_MINUTES makes it longer (five find slower leaks)."""

from __future__ import annotations

import os

import pytest

from tests.soak.run import soak

pytestmark = [pytest.mark.engine, pytest.mark.kubectl, pytest.mark.slow]

_MINUTES = float(os.environ.get("PODLAB_SOAK_MINUTES", "0.6"))
#: Seconds of a round: enough for the pods of all kinds to come and go.
_ROUND = 18.0


def test_churning_pods_leave_nothing_behind(engine: str, kubectl: str) -> None:
    seconds = _MINUTES * 60
    assert soak(seconds, pods=50, rounds=max(2, round(seconds / _ROUND))) == []
