"""StatefulSets, DaemonSets and budgets under every interleaving of events, old caches and restarts."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.api import disruptions
from orchestrator.api.errors import TooManyRequests
from orchestrator.api.meta import Object, is_deleting, labels, name, uid
from orchestrator.api.pods import is_ready
from orchestrator.controllers import daemonset_plan, disruption_plan, revision_plan, statefulset_plan
from orchestrator.controllers.daemonset_nodes import Fitness
from orchestrator.controllers.daemonset_pods import daemon_pod, target_node
from orchestrator.controllers.daemonset_update import limits
from orchestrator.controllers.disruption_plan import Scale
from orchestrator.controllers.statefulset_status import Revisions
from tests.unit.orchestrator.controllers.objects import NOW, condition, daemon_set, pod, replica_set, stateful_set

#: A cache is at most this many changes behind.
_OLDEST = 4


@dataclass
class Api:
    """Pods by name, as the API server keeps them: a name is taken until its pod has ended."""

    pods: dict[str, Object] = field(default_factory=dict)
    #: All states so far; a cache shows one of them.
    states: list[list[Object]] = field(default_factory=lambda: [[]])
    made: int = 0

    def remember(self) -> None:
        self.states = [*self.states[-_OLDEST:], deepcopy(list(self.pods.values()))]

    def create(self, wanted: Object) -> None:
        self.made += 1
        meta = wanted["metadata"]
        meta.setdefault("name", f"{meta['generateName']}{self.made}")
        if meta["name"] not in self.pods:
            meta["uid"] = f"pod-{self.made}"
            wanted["status"] = {"phase": "Pending"}
            self.pods[meta["name"]] = wanted

    def delete(self, pod: Object) -> None:
        there = self.pods.get(name(pod))
        if there is not None and uid(there) == uid(pod):
            there["metadata"].setdefault("deletionTimestamp", "2026-01-01T00:00:00Z")

    def happen(self, what: str, which: int) -> None:
        if not self.pods:
            return
        chosen = sorted(self.pods)[which % len(self.pods)]
        target = self.pods[chosen]
        match what:
            case "ready" | "unready" if not is_deleting(target):
                ready = "True" if what == "ready" else "False"
                target["status"] = {"phase": "Running", "conditions": [condition("Ready", ready)]}
            case "fail":
                target["status"] = {"phase": "Failed"}
            case "end" if is_deleting(target):
                del self.pods[chosen]
            case "remove":
                self.delete(target)

    def settle(self) -> None:
        for chosen in list(self.pods):
            self.happen("end", sorted(self.pods).index(chosen))
        for chosen in self.pods:
            if self.pods[chosen]["status"]["phase"] != "Failed":
                self.happen("ready", sorted(self.pods).index(chosen))


happenings = st.sampled_from(("ready", "ready", "ready", "unready", "fail", "end", "end", "remove"))
stories = st.lists(
    st.tuples(st.one_of(happenings, st.sampled_from(("template", "scale"))), st.integers(0, 9), st.integers(0, 4)),
    min_size=10,
    max_size=40,
)


@dataclass
class Sets:
    """A StatefulSet and its controller, which may decide on what the pods were `age` states ago."""

    sts: Object
    api: Api = field(default_factory=Api)
    revisions: list[Object] = field(default_factory=list)

    def decide(self, age: int = 0) -> statefulset_plan.Plan:
        target = revision_plan.target(self.sts, self.revisions)
        update = target.found or revision_plan.new_revision(self.sts, target.number, 0, "hash")
        update["revision"] = target.number
        others = [each for each in self.revisions if name(each) != name(update)]
        self.revisions = revision_plan.ordered([*others, update])
        known = {name(each): each for each in self.revisions}
        current = known.get(self.sts["status"].get("currentRevision"), update)
        seen = deepcopy(self.api.states[-1 - min(age, len(self.api.states) - 1)])
        plan = statefulset_plan.plan(self.sts, seen, {}, Revisions(current, update), NOW)
        for made in plan.create:
            self.api.create(made)
        for gone in plan.delete:
            self.api.delete(gone)
        self.sts["status"] = plan.status
        self.api.remember()
        return plan

    def unavailable(self) -> int:
        wanted = [f"web-{number}" for number in range(self.sts["spec"]["replicas"])]
        pods = [self.api.pods.get(each) for each in wanted]
        return sum(pod is None or is_deleting(pod) or not is_ready(pod) for pod in pods)


shares = st.one_of(st.integers(1, 3), st.integers(1, 100).map(lambda n: f"{n}%"))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.booleans(), st.one_of(st.none(), shares), stories)
def test_a_stateful_set(replicas: int, ordered: bool, unavailable: Any, story: list[tuple[str, int, int]]) -> None:
    rolling = {"partition": 0} | ({} if unavailable is None else {"maxUnavailable": unavailable})
    sts = stateful_set(replicas, updateStrategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    if not ordered:
        sts["spec"]["podManagementPolicy"] = "Parallel"
    world = Sets(sts)
    for what, which, age in story:
        if what == "template":
            sts["spec"]["template"]["spec"]["containers"][0]["image"] = f"nginx:{which % 3}"
        elif what == "scale":
            sts["spec"]["replicas"] = which % 6
        else:
            world.api.happen(what, which)
        world.api.remember()
        before, serving = set(world.api.pods), world.unavailable()
        plan = world.decide(age)
        _check_numbers(world, before)
        if age == 0:
            _check_order(world, plan, ordered=ordered)
            _check_availability(world, plan, serving, unavailable)
    for _ in range(40):
        world.api.settle()
        world.api.remember()
        world.decide()
    names = {f"web-{number}" for number in range(sts["spec"]["replicas"])}
    assert set(world.api.pods) == names
    image = sts["spec"]["template"]["spec"]["containers"][0]["image"]
    assert {each["spec"]["containers"][0]["image"] for each in world.api.pods.values()} <= {image}
    assert sts["status"]["currentRevision"] == sts["status"]["updateRevision"]


def _check_numbers(world: Sets, before: set[str]) -> None:
    """No pod but of its numbers, and none in the place of one that has not ended."""
    for made in set(world.api.pods) - before:
        assert int(made.removeprefix("web-")) < world.sts["spec"]["replicas"]


def _check_order(world: Sets, plan: statefulset_plan.Plan, *, ordered: bool) -> None:
    if not ordered:
        return
    assert len(plan.create) <= 1
    for made in plan.create:
        for number in range(int(name(made).removeprefix("web-"))):
            assert is_ready(world.api.pods[f"web-{number}"])


def _check_availability(world: Sets, plan: statefulset_plan.Plan, before: int, unavailable: Any) -> None:
    """An update takes no more pods than it may; pods that did not serve cost nothing."""
    replicas = world.sts["spec"]["replicas"]
    share = unavailable if isinstance(unavailable, int) else 1
    if isinstance(unavailable, str):
        share = max(1, replicas * int(unavailable[:-1]) // 100)
    # Without maxUnavailable a parallel set's update does not look at pods below the one that it replaces.
    most = max(before, share) if unavailable is not None else before + 1
    assert world.unavailable() <= most


@dataclass
class Daemons:
    ds: Object
    nodes: dict[str, Fitness]
    api: Api = field(default_factory=Api)
    revision: int = 0

    @property
    def hashed(self) -> str:
        return str(self.revision)

    def decide(self) -> daemonset_plan.Plan:
        seen = deepcopy(list(self.api.pods.values()))
        plan = daemonset_plan.plan(self.ds, seen, self.nodes, self.hashed, (), NOW)
        for node in plan.create:
            self.api.create(daemon_pod(self.ds, node, self.hashed))
        for gone in plan.delete:
            self.api.delete(gone)
        return plan

    def on(self, node: str) -> list[Object]:
        return [each for each in self.api.pods.values() if target_node(each) == node and not is_deleting(each)]

    def serving(self) -> set[str]:
        return {node for node, fit in self.nodes.items() if fit.may_stay and any(map(is_ready, self.on(node)))}


FITS = (Fitness(True, True), Fitness(True, True), Fitness(False, True), Fitness(False, False))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.booleans(), shares, stories)
def test_a_daemon_set(size: int, surging: bool, share: Any, story: list[tuple[str, int, int]]) -> None:
    ds = daemon_set(surge=share if surging else 0, unavailable=0 if surging else share)
    world = Daemons(ds, dict.fromkeys([f"node-{number}" for number in range(size)], FITS[0]))
    for what, which, other in story:
        if what == "template":
            world.revision += 1
        elif what == "scale":
            world.nodes[f"node-{which % 5}"] = FITS[other % len(FITS)]
        else:
            world.api.happen(what, which)
        before = world.serving()
        plan = world.decide()
        _, most = limits(ds, sum(fit.should_run for fit in world.nodes.values()))
        for node in world.nodes:
            assert len(world.on(node)) <= (2 if surging else 1)
        lost = before - world.serving()
        ended = {target_node(each) for each in plan.ended}
        if surging:
            assert lost <= ended, "with surge no node is ever without a pod that serves"
        elif lost - ended:
            wanted = {node for node, fit in world.nodes.items() if fit.should_run}
            assert len(wanted - world.serving()) <= max(most, len(wanted - before))
    for _ in range(30):
        world.api.settle()
        world.decide()
    wanted = {node for node, fit in world.nodes.items() if fit.should_run}
    for node, fit in world.nodes.items():
        there = world.on(node)
        assert len(there) == 1 if fit.should_run else fit.may_stay or not there
        assert all(labels(each)["controller-revision-hash"] == world.hashed for each in there if node in wanted)


@dataclass
class Budget:
    """A budget of pods that their controller replaces, evicted by many at the same time."""

    owner: Object
    pdb: Object
    pods: dict[str, bool]
    version: int = 0
    made: int = 0
    #: What the controller sees of the pods: never older than before.
    seen: dict[str, bool] = field(default_factory=dict)
    #: The budget as it sees it, with its version.
    cached: tuple[Object, int] | None = None
    leaving: list[str] = field(default_factory=list)

    def write(self, fresh: Object, expected: int) -> None:
        if expected == self.version:
            self.pdb = fresh
            self.version += 1

    def look(self, what: str) -> None:
        if what == "pods":
            self.seen = dict(self.pods)
        elif what == "budget":
            self.cached = (deepcopy(self.pdb), self.version)

    def sync(self) -> None:
        if self.cached is None:
            return
        budget, version = self.cached
        pods = [pod(each, ready=ready, owner=self.owner) for each, ready in self.seen.items()]
        scales = {uid(self.owner): Scale(uid(self.owner), self.owner["spec"]["replicas"])}
        plan = disruption_plan.plan(budget, pods, scales, NOW)
        self.write({**budget, "status": plan.status}, version)

    def take(self, which: int) -> None:
        candidates = sorted(set(self.pods) - set(self.leaving))
        if not candidates or not self.pods[candidates[which % len(candidates)]]:
            return
        chosen = candidates[which % len(candidates)]
        try:
            self.write(disruptions.taken(self.pdb, chosen, NOW), self.version)
        except TooManyRequests:
            return
        self.leaving.append(chosen)

    def leave(self) -> None:
        if self.leaving:
            del self.pods[self.leaving.pop(0)]

    def replace(self) -> None:
        if len(self.pods) < self.owner["spec"]["replicas"]:
            self.made += 1
            self.pods[f"new-{self.made}"] = False
        else:
            self.pods = dict.fromkeys(self.pods, True)

    @property
    def healthy(self) -> int:
        return sum(self.pods.values())


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 6),
    st.sampled_from((("minAvailable", 2), ("minAvailable", "50%"), ("maxUnavailable", 1), ("maxUnavailable", "30%"))),
    st.lists(
        st.tuples(
            st.sampled_from(("pods", "budget", "sync", "sync", "take", "take", "leave", "replace")), st.integers(0, 9)
        ),
        max_size=120,
    ),
)
def test_evictions_never_break_a_budget(replicas: int, rule: tuple[str, Any], story: list[tuple[str, int]]) -> None:
    owner = replica_set(replicas=replicas)
    pdb: Object = {
        "metadata": {"name": "web", "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, rule[0]: rule[1]},
        "status": {},
    }
    world = Budget(owner, pdb, {f"pod-{number}": True for number in range(replicas)})
    world.look("pods")
    world.look("budget")
    world.sync()
    desired = min(world.pdb["status"]["desiredHealthy"], replicas)
    for what, which in story:
        match what:
            case "sync":
                world.sync()
            case "take":
                world.take(which)
            case "leave":
                world.leave()
            case "replace":
                world.replace()
            case _:
                world.look(what)
        assert world.healthy - len(world.leaving) >= desired
