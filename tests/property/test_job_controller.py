"""Jobs under every interleaving: each pod counted once, never more of them than allowed, and always an end.

The world: pods run, end, are deleted and lose their finalizers in any order; the controller may die after any of its
writes, and a new one, which remembers nothing, goes on.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.api.meta import Object, find_condition, is_deleting, name, uid
from orchestrator.api.pods import is_active, is_terminal
from orchestrator.api.strategies.job_status import finished, job_status, status_changes
from orchestrator.api.times import rfc3339
from orchestrator.controllers.index_set import IndexSet
from orchestrator.controllers.job_backoff import Backoff
from orchestrator.controllers.job_plan import plan
from orchestrator.controllers.job_pods import TRACKING, index_of, is_tracked
from orchestrator.controllers.job_status import settled
from orchestrator.controllers.job_template import new_pod
from tests.unit.orchestrator.controllers.objects import NOW, job


class Killed(Exception):
    """The controller ended between two writes."""


@dataclass
class World:
    job: Object
    pods: list[Object] = field(default_factory=list)
    backoff: Backoff | None = None
    now: float = NOW
    #: Writes until the controller dies.
    left: int = 1_000_000
    made: int = 0

    # What the controller does, write by write.

    def sync(self, writes: int = 1_000_000) -> bool:
        """True when it changed anything. It dies after so many writes."""
        if finished(self.job):
            return False
        self.left = writes
        before = deepcopy((self.job, self.pods))
        try:
            self._sync()
        except Killed:
            self.backoff = None
        return before != (self.job, self.pods)

    def _sync(self) -> None:
        made = plan(self.job, list(self.pods), self.backoff, self.now)
        for birth in made.create:
            self._create(new_pod(self.job, birth))
        for pod in made.drop:
            self._release(pod)
        for pod in (*made.drop, *made.stop):
            self._delete(pod)
        self._write(made.status | {"active": int(made.status.get("active") or 0) + len(made.create)})
        self.backoff = made.backoff
        for pod in made.release:
            self._release(pod)
        tracked = {uid(pod) for pod in self.pods if is_tracked(pod)}
        self._write(settled(self.job, tracked, self.now, whole=made.whole))

    def _spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed

    def _create(self, pod: Object) -> None:
        self._spend()
        self.made += 1
        stamp = {"uid": f"pod-{self.made}", "name": f"pod-{self.made}", "creationTimestamp": rfc3339(self.now)}
        pod["metadata"] |= stamp
        pod["status"] = {"phase": "Pending"}
        self.pods.append(pod)

    def _release(self, pod: Object) -> None:
        if not is_tracked(pod):
            return
        self._spend()
        self._replace(pod, finalizers=[])

    def _delete(self, pod: Object) -> None:
        if not any(uid(each) == uid(pod) for each in self.pods):
            return
        self._spend()
        self._replace(pod, deletionTimestamp=rfc3339(self.now), deletionGracePeriodSeconds=0)

    def _replace(self, pod: Object, **meta: Any) -> None:
        """A pod in a cache is never changed, only replaced; one that nothing holds is gone."""
        for at, each in enumerate(self.pods):
            if uid(each) == uid(pod):
                fresh = {**each, "metadata": {**each["metadata"], **meta}}
                if is_deleting(fresh) and is_terminal(fresh) and not is_tracked(fresh):
                    del self.pods[at]
                else:
                    self.pods[at] = fresh
                return

    def _write(self, status: Object) -> None:
        status = {name: value for name, value in status.items() if value not in (0, "") or name in _ALWAYS}
        if status == self.job["status"]:
            return
        self._spend()
        new = {**self.job, "status": status}
        problems = [*job_status(new), *status_changes(new, self.job)]
        assert not problems, problems
        self.job = new

    # What the world does.

    def end(self, number: int, phase: str) -> None:
        """A pod ends by itself, or, when it was deleted, because of that."""
        running = [pod for pod in self.pods if not is_terminal(pod)]
        if running:
            pod = running[number % len(running)]
            fresh = {**pod, "status": {"phase": phase}}
            self.pods[[uid(each) for each in self.pods].index(uid(pod))] = fresh
            self._replace(fresh)

    def kill(self, number: int) -> None:
        """A user deletes a pod."""
        if self.pods:
            pod = self.pods[number % len(self.pods)]
            self._replace(pod, deletionTimestamp=rfc3339(self.now), deletionGracePeriodSeconds=0)

    def settle(self, phase: str = "Succeeded") -> None:
        """Everything that runs ends, and the controller lives, until nobody has anything to do."""
        for _ in range(300):
            self.now += 1000
            running = sum(not is_terminal(pod) for pod in self.pods)
            for _ in range(running):
                self.end(0, phase)
            if not self.sync() and not running:
                return
        raise AssertionError(f"the job does not end: {self.job['status']}")


_ALWAYS = ("ready", "terminating", "failedIndexes")

jobs = st.builds(
    lambda completions, parallelism, indexed, per_index, only_failed, limit: job(
        completions=completions,
        parallelism=parallelism,
        completionMode="Indexed" if indexed else "NonIndexed",
        backoffLimit=1000 if indexed and per_index else limit,
        podReplacementPolicy="Failed" if only_failed else "TerminatingOrFailed",
        **({"backoffLimitPerIndex": 1} if indexed and per_index else {}),
    ),
    st.integers(1, 5),
    st.integers(1, 4),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.integers(0, 20),
)
#: (what happens, to which pod, after how many writes the controller that looks then dies)
steps = st.lists(
    st.tuples(
        st.sampled_from(("look", "succeed", "fail", "fail", "kill", "suspend", "resume", "wait")),
        st.integers(0, 9),
        st.one_of(st.integers(0, 6), st.just(1_000_000)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(jobs, steps)
def test_every_pod_is_counted_once_and_the_job_ends(owner: Object, story: list[tuple[str, int, int]]) -> None:
    world = World(owner)
    for what, which, writes in story:
        _happen(world, what, which)
        world.sync(writes)
        _check(world)
    world.job["spec"]["suspend"] = False
    world.settle()
    _check(world)
    assert finished(world.job)
    assert not any(is_tracked(pod) for pod in world.pods)
    assert not any(is_active(pod) for pod in world.pods)


def _happen(world: World, what: str, which: int) -> None:
    match what:
        case "succeed":
            world.end(which, "Succeeded")
        case "fail":
            world.end(which, "Failed")
        case "kill":
            world.kill(which)
        case "suspend" | "resume":
            world.job["spec"]["suspend"] = what == "suspend"
        case "wait":
            world.now += 700


def _check(world: World) -> None:
    job, status = world.job, world.job["status"]
    active = [pod for pod in world.pods if is_active(pod)]
    assert len(active) <= job["spec"]["parallelism"]
    if job["spec"]["podReplacementPolicy"] == "Failed":
        assert sum(not is_terminal(pod) for pod in world.pods) <= job["spec"]["parallelism"]
    uncounted = status.get("uncountedTerminatedPods") or {}
    noted = [*uncounted.get("succeeded", ()), *uncounted.get("failed", ())]
    assert len(noted) == len(set(noted))
    numbers = int(status.get("succeeded") or 0) + int(status.get("failed") or 0)
    assert numbers + len(noted) <= world.made, "more were counted than there ever were"
    if job["spec"]["completionMode"] == "Indexed":
        indexes = [index_of(pod) for pod in active]
        assert len(indexes) == len(set(indexes)), "two pods for one index"
        completed = IndexSet.parse(status.get("completedIndexes") or "", job["spec"]["completions"])
        assert len(completed) == int(status.get("succeeded") or 0)
    else:
        assert int(status.get("succeeded") or 0) <= job["spec"]["completions"]


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 6), st.integers(1, 4), st.lists(st.booleans(), max_size=12), st.lists(st.integers(0, 9)))
def test_the_numbers_are_exact(completions: int, parallelism: int, fates: list[bool], lives: list[int]) -> None:
    """Pods end by themselves only: then the status has each success and each failure, whenever the controller dies."""
    world = World(job(completions=completions, parallelism=parallelism, backoffLimit=fates.count(False)))
    succeeded = failed = 0
    deaths = iter(lives)
    for fate in fates:
        world.now += 1000
        for _ in range(4):
            world.sync(next(deaths, 1_000_000))
        if any(not is_terminal(pod) for pod in world.pods):
            world.end(0, "Succeeded" if fate else "Failed")
            succeeded, failed = succeeded + fate, failed + (not fate)
    missing = completions - succeeded
    world.settle()
    status = world.job["status"]
    assert (status["succeeded"], status.get("failed") or 0) == (succeeded + missing, failed)
    assert find_condition(status["conditions"], "Complete")
    assert world.made == completions + failed
    assert len({name(pod) for pod in world.pods if TRACKING not in pod["metadata"]["finalizers"]}) == world.made
