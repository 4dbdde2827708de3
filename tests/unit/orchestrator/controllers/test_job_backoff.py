from __future__ import annotations

import pytest

from orchestrator.controllers.job_backoff import Backoff, remaining_of_index
from orchestrator.controllers.job_pods import INDEX_FAILURES, INDEX_IGNORED, finished_at
from tests.unit.orchestrator.controllers.objects import NOW, job, job_pod


@pytest.mark.parametrize(("failures", "delay"), [(0, 0), (1, 10), (2, 20), (3, 40), (6, 320), (7, 600), (5000, 600)])
def test_doubles_up_to_ten_minutes(failures: int, delay: float) -> None:
    assert Backoff(failures, NOW).remaining(NOW) == delay
    assert Backoff(failures, NOW).remaining(NOW + 4) == max(0, delay - 4)
    assert Backoff(failures, NOW).remaining(NOW + 600) == 0


def test_a_clock_that_jumps_does_no_harm() -> None:
    assert Backoff(1, NOW).remaining(NOW - 86400) == 10
    assert Backoff(1, NOW).remaining(NOW + 86400) == 0


def test_failures_add_up_until_a_success() -> None:
    owner = job()
    first, second = job_pod(owner, "Failed", ended=50), job_pod(owner, "Failed", ended=10)
    assert Backoff().after([], [second, first]) == Backoff(2, NOW - 10)
    assert Backoff(3, NOW - 99).after([], [first]) == Backoff(4, NOW - 50)
    assert Backoff(3, NOW - 99).after([], []) == Backoff(3, NOW - 99)
    between = job_pod(owner, "Succeeded", ended=30)
    assert Backoff(3, NOW - 99).after([between], [first, second]) == Backoff(1, NOW - 10)
    assert Backoff(3, NOW - 99).after([between], [first]) == Backoff()


def test_an_index_carries_its_own_count() -> None:
    assert remaining_of_index(None, NOW) == 0
    pod = job_pod(job(), "Failed", ended=5, annotations={INDEX_FAILURES: "1", INDEX_IGNORED: "1"})
    assert remaining_of_index(pod, NOW) == 35


def test_when_a_pod_ended() -> None:
    owner = job()
    assert finished_at(job_pod(owner, "Failed", ended=7)) == NOW - 7
    lost = job_pod(owner, "Failed", ended=7)
    lost["status"]["containerStatuses"] = []
    assert finished_at(lost) == NOW - 7, "it stopped being ready"
    lost["status"]["conditions"] = []
    assert finished_at(lost) == NOW - 60, "nothing is known but its creation"
    deleted = job_pod(owner, deleting=True)
    assert finished_at(deleted) == NOW
