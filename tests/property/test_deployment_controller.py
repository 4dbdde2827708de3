"""Rolling updates under every interleaving: never more pods than allowed, never fewer available.

The world: each ReplicaSet's controller creates and deletes pods and reports its status whenever it likes, so that the
Deployment's controller often decides on an old status; pods become ready in any order; the template changes in the
middle of a rollout.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.api.meta import Object, name
from orchestrator.api.times import rfc3339
from orchestrator.controllers import deployment_sizes as sizes
from orchestrator.controllers.deployment_plan import plan
from tests.unit.orchestrator.controllers.objects import NOW, deployment


@dataclass
class World:
    deployment: Object
    sets: list[Object] = field(default_factory=list)
    #: For each ReplicaSet, whether each of its pods is ready.
    pods: dict[str, list[bool]] = field(default_factory=dict)

    def decide(self) -> bool:
        """The Deployment's controller; True when it changed anything."""
        result = plan(self.deployment, self.sets, [], NOW)
        changed = result.create is not None or bool(result.update) or self.deployment["status"] != result.status
        if result.create is not None:
            self._add(result.create)
        for change in result.update:
            if change.new["spec"] != change.old["spec"]:
                change.new["metadata"]["generation"] += 1
            self.sets[self.sets.index(change.old)] = change.new
        for gone in result.delete:
            self.sets.remove(gone)
        self.deployment["status"] = result.status
        return changed

    def _add(self, created: Object) -> None:
        number = len(self.pods)
        stamp = {"uid": f"rs-{number}", "creationTimestamp": rfc3339(NOW + number), "generation": 1}
        created["metadata"] |= stamp
        created["status"] = {"replicas": 0}
        self.sets.append(created)
        self.pods[name(created)] = []

    def replicate(self, rs: Object) -> None:
        """The ReplicaSet's controller: pods that are not ready are deleted first."""
        pods = sorted(self.pods[name(rs)])
        surplus = len(pods) - rs["spec"]["replicas"]
        self.pods[name(rs)] = pods[surplus:] if surplus > 0 else pods + [False] * -surplus

    def report(self, rs: Object) -> None:
        """A status always follows what its controller did for the same generation."""
        self.replicate(rs)
        pods = self.pods[name(rs)]
        seen = {"replicas": len(pods), "observedGeneration": rs["metadata"]["generation"]}
        self.sets[self.sets.index(rs)] = {
            **rs,
            "status": seen | {"readyReplicas": sum(pods), "availableReplicas": sum(pods)},
        }

    def make_ready(self, rs: Object) -> None:
        pods = self.pods[name(rs)]
        if False in pods:
            pods[pods.index(False)] = True

    def settle(self) -> None:
        """Everybody works until nobody has anything to do."""
        for _ in range(500):
            for rs in list(self.sets):
                self.replicate(rs)
            self.pods = {rs: [True] * len(pods) for rs, pods in self.pods.items()}
            for rs in list(self.sets):
                self.report(rs)
            if not self.decide():
                return
        raise AssertionError("the rollout does not end")

    def available(self) -> int:
        return sum(sum(pods) for pods in self.pods.values())

    def there(self) -> int:
        return sum(map(len, self.pods.values()))

    def wanted(self) -> int:
        return sum(rs["spec"]["replicas"] for rs in self.sets)


shares = st.one_of(st.integers(0, 4), st.integers(0, 100).map(lambda n: f"{n}%"))
#: (what happens, to which ReplicaSet, whether the Deployment's controller looks afterwards)
steps = st.lists(
    st.tuples(st.sampled_from(("replicate", "report", "ready", "ready", "template")), st.integers(0, 3), st.booleans()),
    min_size=30,
    max_size=90,
)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 6), shares, shares, steps)
def test_a_rollout_stays_within_its_limits(
    replicas: int, surge: Any, unavailable: Any, story: list[tuple[str, int, bool]]
) -> None:
    world = World(deployment(replicas, image="nginx:0", surge=surge, unavailable=unavailable))
    world.settle()
    limits = sizes.limits(world.deployment)
    templates = 0
    for what, which, looks in story:
        rs = world.sets[-1 - which % len(world.sets)]
        match what:
            case "replicate":
                world.replicate(rs)
            case "report":
                world.report(rs)
            case "ready":
                world.replicate(rs)
                world.make_ready(rs)
            case "template":
                templates += 1
                world.deployment["spec"]["template"]["spec"]["containers"][0]["image"] = f"nginx:{templates % 3}"
        if looks:
            world.decide()
        assert max(world.wanted(), world.there()) <= limits.most
        assert world.available() >= limits.least
    world.settle()
    _assert_complete(world, replicas)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=6), shares, shares, st.lists(st.integers(0, 9), max_size=20))
def test_scaling_in_the_middle_of_a_rollout_ends_well(
    replicas: list[int], surge: Any, unavailable: Any, ready: list[int]
) -> None:
    world = World(deployment(replicas[0], image="nginx:0", surge=surge, unavailable=unavailable))
    world.settle()
    for number, wanted in enumerate(replicas):
        world.deployment["spec"]["template"]["spec"]["containers"][0]["image"] = f"nginx:{number}"
        world.deployment["spec"]["replicas"] = wanted
        for which in ready:
            world.decide()
            rs = world.sets[which % len(world.sets)]
            world.replicate(rs)
            world.make_ready(rs)
            world.report(world.sets[world.sets.index(rs)])
    world.settle()
    _assert_complete(world, replicas[-1])


def _assert_complete(world: World, replicas: int) -> None:
    image = world.deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    sized = {rs["spec"]["template"]["spec"]["containers"][0]["image"]: rs["spec"]["replicas"] for rs in world.sets}
    assert sized.pop(image) == replicas
    assert not any(sized.values())
