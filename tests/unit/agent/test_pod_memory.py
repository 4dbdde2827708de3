"""News may come late and in any order; the memory keeps the truth."""

from __future__ import annotations

from agent.actions import CreateSandbox, EnsureImage, KillContainer, StartSandbox
from agent.observed import Health
from agent.pod_memory import LONGEST_RETRY, PodMemory
from tests.unit.agent.observations import NOW, instance, sandbox


def test_an_older_state_does_not_undo_a_newer_one() -> None:
    memory = PodMemory({})
    memory.put(instance(state="exited"), 2)
    memory.put(instance(state="running"), 1)
    memory.started("app-0", NOW + 9, 3)
    assert memory.get("app-0") == instance(state="exited")


def test_a_container_that_was_started_by_hand_runs_again() -> None:
    memory = PodMemory({})
    memory.put(instance(state="exited"), 1)
    again = instance(state="running", started_at=NOW + 60)
    memory.put(again, 2)
    assert memory.get("app-0") == again


def test_a_listing_removes_what_is_gone_and_spares_what_is_newer() -> None:
    memory = PodMemory({})
    memory.put(sandbox(), 1)
    memory.put(instance(), 5)
    memory.relist([], at=3)
    assert [state.id for state in memory.containers()] == ["app-0"]


def test_what_was_removed_does_not_come_back_by_an_old_listing() -> None:
    memory = PodMemory({})
    memory.put(instance(), 1)
    memory.drop("app-0")
    memory.relist([instance()], at=2)
    assert memory.containers() == []


def test_an_end_is_known_once_it_was_seen_and_an_earlier_one_is_another() -> None:
    memory = PodMemory({})
    memory.put(instance(state="running"), 1)
    assert not memory.has_ended("app-0", NOW)
    memory.put(instance(state="exited", finished_at=NOW + 5), 2)
    assert memory.has_ended("app-0", NOW + 5)
    assert not memory.has_ended("app-0", NOW + 6)
    memory.drop("app-0")
    assert memory.has_ended("app-0", NOW + 6)
    assert not memory.has_ended("never seen", NOW)


def test_failures_in_a_row_wait_longer() -> None:
    memory, action = PodMemory({}), EnsureImage("app")
    waits = [memory.fail(action, "r", "m", NOW).retry_at - NOW for _ in range(7)]
    assert waits == [1, 2, 4, 8, LONGEST_RETRY, LONGEST_RETRY, LONGEST_RETRY]
    memory.succeed(action)
    assert memory.fail(action, "r", "m", NOW).count == 1


def test_making_a_sandbox_that_then_does_not_start_is_no_success() -> None:
    memory = PodMemory({})
    memory.fail(StartSandbox("s1"), "r", "m", NOW)
    memory.succeed(CreateSandbox())
    assert memory.fail(StartSandbox("s2"), "r", "m", NOW).count == 2
    memory.succeed(StartSandbox("s3"))
    assert memory.observe(Health()).setbacks == {}


def test_the_shortest_grace_counts_and_a_failed_kill_does_not() -> None:
    memory = PodMemory({})
    memory.put(instance(), 1)
    long, short = KillContainer("app", "app-0", 30, ""), KillContainer("app", "app-0", 5, "")
    memory.begin(long)
    memory.begin(short)
    assert memory.observe(Health()).being_killed("app-0", 5)
    assert not memory.observe(Health()).being_killed("app-0", 4)
    memory.fail(short, "r", "m", NOW)
    memory.fail(long, "r", "m", NOW)
    assert not memory.observe(Health()).being_killed("app-0", 30)


def test_a_long_run_is_remembered() -> None:
    memory = PodMemory({})
    memory.put(instance(state="exited", restarts=4, finished_at=NOW + 599), 1)
    assert memory.observe(Health()).steady == {}
    memory.put(instance(state="exited", restarts=5, finished_at=NOW + 600), 1)
    assert memory.observe(Health()).steady == {"app": 5}
