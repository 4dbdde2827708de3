import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.scheduler.queue import Entry, SchedulingQueue
from orchestrator.util.clock import FakeClock
from tests.unit.orchestrator.scheduler.objects import pod


@pytest.fixture
def queue(clock: FakeClock) -> Iterator[SchedulingQueue]:
    queue = SchedulingQueue(clock)
    yield queue
    queue.shut_down()


def pop(queue: SchedulingQueue) -> Entry:
    """The next entry, which must be ready."""
    popped: list[Entry | None] = []
    thread = threading.Thread(target=lambda: popped.append(queue.pop()))
    thread.start()
    thread.join(5)
    assert not thread.is_alive(), "nothing is ready"
    assert popped[0] is not None
    return popped[0]


def nothing_is_ready(queue: SchedulingQueue) -> bool:
    """Adds a pod of the lowest priority and sees whether it comes first."""
    marker = pod(priority=-1000)
    queue.add(marker)
    entry = pop(queue)
    first = entry.pod is marker
    if first:
        queue.done(entry)
    return first


def test_important_pods_first_then_old_ones(queue: SchedulingQueue) -> None:
    pods = [pod("a"), pod("b", priority=10), pod("c"), pod("d", priority=10)]
    for each in pods:
        queue.add(each)
    names = []
    for _ in pods:
        entry = pop(queue)
        names.append(entry.pod.key.removeprefix("default/"))
        queue.done(entry)
    assert names == ["b", "d", "a", "c"]
    assert len(queue) == 0


def test_a_pod_is_handed_out_once(queue: SchedulingQueue) -> None:
    waiting = pod()
    queue.add(waiting)
    queue.add(waiting)
    entry = pop(queue)
    queue.add(waiting)
    assert nothing_is_ready(queue)
    queue.done(entry)
    assert nothing_is_ready(queue)


def test_a_parked_pod_waits_for_a_change_and_its_backoff(queue: SchedulingQueue, clock: FakeClock) -> None:
    queue.add(pod())
    queue.park(pop(queue))
    clock.advance(5)
    assert nothing_is_ready(queue)
    queue.move()
    queue.park(pop(queue))
    queue.move()
    clock.advance(1.9)
    assert nothing_is_ready(queue)
    clock.advance(0.1)
    assert pop(queue).attempts == 3


def test_the_backoff_doubles_up_to_ten_seconds(queue: SchedulingQueue, clock: FakeClock) -> None:
    queue.add(pod())
    delays = []
    for _ in range(6):
        entry = pop(queue)
        queue.retry(entry)
        delays.append(entry.due - clock.monotonic())
        clock.advance(delays[-1])
    assert delays == [1, 2, 4, 8, 10, 10]


def test_a_change_helps_only_some(queue: SchedulingQueue, clock: FakeClock) -> None:
    lucky, other = pod("lucky"), pod("other")
    queue.add(lucky)
    queue.add(other)
    for _ in range(2):
        queue.park(pop(queue))
    clock.advance(1)
    queue.move(lambda waiting: waiting is lucky)
    assert pop(queue).pod is lucky
    assert nothing_is_ready(queue)


def test_a_change_during_the_attempt_counts(queue: SchedulingQueue, clock: FakeClock) -> None:
    queue.add(pod())
    entry = pop(queue)
    queue.move()
    queue.park(entry)
    clock.advance(1)
    assert pop(queue) is entry


def test_a_parked_pod_is_tried_again_after_five_minutes(queue: SchedulingQueue, clock: FakeClock) -> None:
    queue.add(pod())
    entry = pop(queue)
    queue.park(entry)
    clock.advance(299)
    assert nothing_is_ready(queue)
    clock.advance(1)
    assert pop(queue) is entry


def test_a_changed_pod_is_tried_again(queue: SchedulingQueue, clock: FakeClock) -> None:
    waiting = pod()
    queue.add(waiting)
    queue.park(pop(queue))
    clock.advance(1)
    changed = replace(waiting, labels={"a": "b"})
    queue.add(changed)
    assert pop(queue).pod is changed


def test_a_refreshed_pod_is_not(queue: SchedulingQueue, clock: FakeClock) -> None:
    waiting = pod()
    queue.add(waiting)
    entry = pop(queue)
    queue.park(entry)
    clock.advance(1)
    refreshed = replace(waiting, labels={"a": "b"})
    queue.refresh(refreshed)
    assert nothing_is_ready(queue)
    assert entry.pod is refreshed


@pytest.mark.parametrize("when", ["ready", "in flight", "parked"])
def test_a_removed_pod_is_gone(queue: SchedulingQueue, clock: FakeClock, when: str) -> None:
    gone = pod()
    queue.add(gone)
    if when != "ready":
        entry = pop(queue)
        if when == "parked":
            queue.park(entry)
        queue.remove(gone.uid)
        queue.park(entry)
    queue.remove(gone.uid)
    clock.advance(400)
    assert len(queue) == 0
    assert nothing_is_ready(queue)


def test_stale_entries_do_not_pile_up(queue: SchedulingQueue, clock: FakeClock) -> None:
    queue.add(pod())
    for _ in range(500):
        queue.park(pop(queue))
        queue.move()
        clock.advance(10)
    assert len(queue._later) < 100


def test_shutting_down_ends_the_wait(clock: FakeClock) -> None:
    queue = SchedulingQueue(clock)
    popped: list[Entry | None] = []
    thread = threading.Thread(target=lambda: popped.append(queue.pop()))
    thread.start()
    queue.shut_down()
    thread.join(5)
    assert popped == [None]
