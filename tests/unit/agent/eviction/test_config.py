"""Thresholds as they are written in the settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.eviction.config import Amount, Threshold, eviction_config
from agent.eviction.signals import IMAGE_DISK, MEMORY, NODE_DISK, PIDS
from orchestrator.util.settings import Settings, SettingsError


def settings(**fields: Any) -> Settings:
    return Settings(Path("/x"), **fields)


def test_thresholds_are_read_in_the_kubelets_notation() -> None:
    found = eviction_config(
        settings(
            eviction_hard="memory.available<100Mi,imagefs.available<15%",
            eviction_soft="memory.available<1Gi",
            eviction_soft_grace_period="memory.available=1m30s",
            eviction_minimum_reclaim="imagefs.available=2Gi",
            eviction_max_pod_grace_period=7,
            eviction_pressure_transition_period=20,
        )
    )
    assert found.thresholds == (
        Threshold(MEMORY, Amount("100Mi")),
        Threshold(IMAGE_DISK, Amount("15%"), reclaim=Amount("2Gi")),
        Threshold(MEMORY, Amount("1Gi"), grace=90),
    )
    assert (found.transition, found.longest_grace) == (20, 7)
    assert found.hard_limit(MEMORY, 8 << 30) == 100 << 20
    assert found.hard_limit(IMAGE_DISK, 1000) == 150
    assert found.hard_limit(PIDS, 1000) == 0


def test_the_defaults_are_sound() -> None:
    found = eviction_config(settings())
    assert all(threshold.hard for threshold in found.thresholds)
    assert found.hard_limit(NODE_DISK, 500 << 30) == 1 << 30


@pytest.mark.parametrize("text", ["", "none"])
def test_none_at_all(text: str) -> None:
    assert eviction_config(settings(eviction_hard=text)).thresholds == ()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"eviction_hard": "memory.available=1"}, "eviction_hard has 'memory.available=1': write SIGNAL<VALUE"),
        ({"eviction_hard": "swap.available<1"}, "eviction_hard has 'swap.available<1'"),
        ({"eviction_hard": "memory.available<some"}, "eviction_hard has 'some': write a quantity"),
        ({"eviction_hard": "memory.available<110%"}, "eviction_hard has '110%'"),
        ({"eviction_hard": "memory.available<x%"}, "eviction_hard has 'x%'"),
        ({"eviction_hard": "memory.available<-1"}, "eviction_hard has '-1'"),
        ({"eviction_soft": "memory.available<1Gi"}, "eviction_soft_grace_period must say how long memory.available"),
        (
            {"eviction_soft": "pid.available<1", "eviction_soft_grace_period": "pid.available=soon"},
            "eviction_soft_grace_period has 'soon'",
        ),
        (
            {"eviction_soft": "pid.available<1", "eviction_soft_grace_period": "pid.available=0s"},
            "eviction_soft_grace_period has '0s'",
        ),
        ({"eviction_minimum_reclaim": "pid.available=lots"}, "eviction_minimum_reclaim has 'lots'"),
    ],
)
def test_what_cannot_be_read(fields: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        eviction_config(settings(**fields))
    assert sentence in str(caught.value)
