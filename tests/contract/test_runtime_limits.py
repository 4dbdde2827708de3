"""Limits that change while a container runs, and the signal that asks it to stop: over the fake and Docker Engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.runtime.base import NoSuchContainer, Resources
from agent.runtime.docker import DockerRuntime
from tests.contract.test_runtime import Bench, eventually
from tests.contract.test_runtime import bench as bench

BEFORE = Resources(cpu_shares=102, cpu_quota=50_000, memory=64 << 20, pids=40)
AFTER = Resources(cpu_shares=512, cpu_quota=100_000, memory=96 << 20)


def run(bench: Bench, **fields: object) -> str:
    spec = replace(bench.spec("a", bench.script()), resources=BEFORE, **fields)  # type: ignore[arg-type]
    id = bench.runtime.create(spec)
    bench.runtime.start(id)
    return id


def test_an_inspection_tells_the_limits(bench: Bench) -> None:
    found = bench.runtime.inspect(run(bench)).resources
    assert found is not None
    assert replace(found, oom_score_adj=None) == BEFORE


def test_an_update_changes_them_in_the_running_container(bench: Bench) -> None:
    id = run(bench)
    begun = bench.runtime.inspect(id).started_at
    bench.runtime.update(id, AFTER)
    after = bench.runtime.inspect(id)
    assert after.resources is not None
    assert (after.resources.cpu_shares, after.resources.cpu_quota, after.resources.memory) == (512, 100_000, 96 << 20)
    assert (after.state, after.started_at) == ("running", begun)
    (listed,) = bench.runtime.list(bench.labels)
    assert listed.resources == after.resources


def test_of_what_is_gone_nothing_can_be_changed(bench: Bench) -> None:
    with pytest.raises(NoSuchContainer):
        bench.runtime.update("0" * 64, AFTER)


@pytest.mark.engine
def test_docker_holds_the_kernel_to_them(engine: str, bench: Bench) -> None:
    if not isinstance(bench.runtime, DockerRuntime):
        pytest.skip("the fake has no kernel")
    id = run(bench)
    bench.runtime.update(id, AFTER)
    script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    assert int(bench.runtime.exec(id, ["sh", "-c", script], 10).output) == 96 << 20
    script = "cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max"
    assert int(bench.runtime.exec(id, ["sh", "-c", script], 10).output) == 40


@pytest.mark.engine
def test_docker_stops_with_the_signal_that_is_given(engine: str, bench: Bench) -> None:
    if not isinstance(bench.runtime, DockerRuntime):
        pytest.skip("the fake knows one signal")
    command = ["sh", "-c", "trap 'exit 7' USR1; trap '' TERM; sleep 600 & wait"]
    id = bench.runtime.create(replace(bench.spec("b", command), stop_signal="SIGUSR1"))
    bench.runtime.start(id)
    bench.runtime.stop(id, 10)
    eventually(lambda: bench.runtime.inspect(id).exit_code == 7)
