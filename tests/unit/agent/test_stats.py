from __future__ import annotations

import pytest

from agent.runtime.base import ContainerSpec, NoSuchContainer, Stats
from agent.runtime.fake import FakeRuntime
from agent.stats import Usage, UsageMeter, usage
from orchestrator.util.clock import FakeClock

BEFORE = Stats(1_000_000_000, 100, 50.0)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (Stats(2_000_000_000, 120, 54.0), Usage(0.25, 120, 54.0, 4.0)),
        (Stats(1_000_000_000, 120, 51.0), Usage(0.0, 120, 51.0, 1.0)),
        (Stats(2_000_000_000, 120, 50.0), None),
        (Stats(5, 120, 54.0), None),
    ],
)
def test_use_between_two_samples(after: Stats, expected: Usage | None) -> None:
    assert usage(BEFORE, after) == expected


def test_a_meter_needs_two_samples(clock: FakeClock) -> None:
    runtime = FakeRuntime(clock)
    runtime.add_image("a")
    id = runtime.create(ContainerSpec("a", "a", {}))
    runtime.start(id)
    meter = UsageMeter(runtime)
    assert meter.measure(id) is None
    clock.advance(10)
    assert meter.measure(id) == Usage(pytest.approx(0.01), 1 << 20, clock.now(), 10)  # type: ignore[arg-type]
    meter.keep([])
    assert meter.measure(id) is None
    runtime.remove(id)
    with pytest.raises(NoSuchContainer):
        meter.measure(id)
