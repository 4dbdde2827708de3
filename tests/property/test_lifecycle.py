"""Random walks of one pod through a world that fails it: whatever happens, the pod's promises hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.actions import (
    Action,
    CreateContainer,
    CreateSandbox,
    EnsureImage,
    Finalize,
    KillContainer,
    PrepareVolumes,
    RemoveContainer,
    RemoveSandbox,
    StartContainer,
    StartSandbox,
    TeardownVolumes,
)
from agent.lifecycle import step
from agent.observed import Health, is_live, is_running, is_sandbox
from agent.phase import ENDED
from agent.pod_memory import PodMemory
from agent.podspec import all_containers, find_by_name
from agent.runtime.base import (
    LABEL_CONTAINER,
    LABEL_SANDBOX,
    LABEL_UID,
    ContainerState,
    NoSuchContainer,
    RuntimeFailure,
)
from agent.runtime.fake import FakeRuntime
from agent.runtime.node import NodeContext
from agent.runtime.translate import container_spec, sandbox_spec
from agent.status import pod_status
from agent.verdict import Verdict
from orchestrator.api.meta import Object, uid
from orchestrator.util.clock import FakeClock
from tests.fakes.pods import container, deleted, pod

NODE = NodeContext("test", "node-1", "", "cluster.local")

HOOKED = {"lifecycle": {"postStart": {"exec": {"command": ["hello"]}}}}
PROBED = {
    "startupProbe": {"exec": {"command": ["up"]}},
    "livenessProbe": {"exec": {"command": ["well"]}, "terminationGracePeriodSeconds": 3},
}

SHAPES = {
    "one": lambda policy: pod("one", restartPolicy=policy),
    "two": lambda policy: pod("two", container("a"), container("b"), restartPolicy=policy),
    "init": lambda policy: pod(
        "init", container("a"), container("b"), init=[container("first"), container("second")], restartPolicy=policy
    ),
    "sidecar": lambda policy: pod(
        "sidecar",
        container("a"),
        init=[container("first"), container("side", restartPolicy="Always")],
        restartPolicy=policy,
    ),
    "sidecars, hooks and probes": lambda policy: pod(
        "all",
        container("a", **HOOKED, **PROBED),
        container("b", **PROBED),
        init=[
            container("one", restartPolicy="Always", **PROBED),
            container("first"),
            container("two", restartPolicy="Always", **HOOKED),
        ],
        restartPolicy=policy,
    ),
}


class PodWalk(RuleBasedStateMachine):
    """Actions begin when `step` says so and end, well or not, when the walk pleases; the world moves in between."""

    @initialize(shape=st.sampled_from(sorted(SHAPES)), policy=st.sampled_from(["Always", "OnFailure", "Never"]))
    def begin(self, shape: str, policy: str) -> None:
        self.clock = FakeClock()
        self.runtime = FakeRuntime(self.clock)
        self.pod = SHAPES[shape](policy)
        self.memory = PodMemory(self.pod["status"])
        self.inflight: list[Action] = []
        #: Ids of containers whose startup probe has passed, and of those that a probe has given up.
        self.passed: set[str] = set()
        self.given_up: dict[str, str] = {}
        #: What was done, which must not be done again: a kill with its grace, a removal.
        self.done: set[Action] = set()
        self.finalized = 0
        self.highest: Counter[str] = Counter()
        self.look()

    # The worker

    def look(self) -> None:
        now = self.clock.now()
        seen = self.memory.observe(self.health())
        status = pod_status(self.pod, seen, "192.0.2.1", now)
        plan = step(self.pod, replace(seen, status=status), now)
        assert len(set(plan.actions)) == len(plan.actions)
        for action in plan.actions:
            assert action not in self.inflight, "an action is begun that runs already"
            assert action not in self.done, "an action is repeated that was done already"
            self.check_turn(action)
            self.memory.begin(action)
            self.inflight.append(action)
        for name, entry in self.statuses(status).items():
            assert entry["restartCount"] >= self.highest[name], "a restart count fell"
            self.highest[name] = entry["restartCount"]
        if seen.verdict is not None and self.memory.status.get("phase") not in ENDED and status["phase"] == "Failed":
            assert not any(is_live(c) for c in seen.apps), "it is said to be over, and runs"
        if not self.memory.finalized:
            self.memory.status = status

    def health(self) -> Health:
        """What the prober would say of the containers that run."""
        running = [c for c in self.memory.containers() if is_running(c)]
        probed = [c for c in running if "startupProbe" in (self.spec_of(c) or {})]
        return Health(
            starting=frozenset(c.id for c in probed if c.id not in self.passed),
            unhealthy={c.id: self.given_up[c.id] for c in running if c.id in self.given_up},
        )

    def spec_of(self, instance: ContainerState) -> Object | None:
        return find_by_name(all_containers(self.pod), instance.labels[LABEL_CONTAINER])

    def check_turn(self, action: Action) -> None:
        """Sidecars end one by one, the last first, when the app containers are down."""
        if not isinstance(action, KillContainer) or not action.message.startswith("Stopping"):
            return
        sidecars = [c["name"] for c in self.pod["spec"].get("initContainers", ()) if c.get("restartPolicy")]
        if action.container not in sidecars:
            return
        running = {c.labels[LABEL_CONTAINER] for c in self.memory.containers() if is_running(c) and not is_sandbox(c)}
        later = set(sidecars[sidecars.index(action.container) + 1 :])
        strays = self.memory.observe(Health()).sandbox is None or not self.sandbox_lives()
        assert strays or not running & later, "a sidecar is stopped before one that was started after it"

    def sandbox_lives(self) -> bool:
        sandbox = self.memory.observe(Health()).sandbox
        return sandbox is not None and is_running(sandbox)

    @staticmethod
    def statuses(status: Object) -> dict[str, Object]:
        entries = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
        return {entry["name"]: entry for entry in entries}

    def perform(self, action: Action) -> None:
        try:
            self.execute(action)
        except RuntimeFailure as error:
            self.memory.fail(action, "Failed", str(error), self.clock.now())
        else:
            self.memory.succeed(action)
            if isinstance(action, KillContainer | RemoveContainer | RemoveSandbox):
                self.done.add(action)

    def execute(self, action: Action) -> None:
        match action:
            case CreateSandbox():
                self.created(self.runtime.create(sandbox_spec(self.pod, NODE, self.runtime.ensure_pause_image())))
            case StartSandbox(id):
                self.start(id)
            case StartContainer(name, id):
                self.start(id)
                if "lifecycle" in (find_by_name(all_containers(self.pod), name) or {}):
                    self.memory.hook_ended(id)
            case EnsureImage(name):
                self.memory.image_ready(name, self.runtime.add_image("nginx"))
            case PrepareVolumes():
                self.memory.volumes_ready({})
            case TeardownVolumes():
                self.memory.volumes_removed()
            case CreateContainer(name, sandbox, restarts):
                spec = find_by_name(all_containers(self.pod), name)
                image = self.memory.image(name)
                self.created(
                    self.runtime.create(
                        container_spec(
                            self.pod,
                            spec,
                            sandbox_id=sandbox,
                            image=image,
                            env=[],
                            mounts=[],
                            restarts=restarts,
                            node=NODE,
                        )
                    )
                )
                self.memory.image_used(name)
            case KillContainer(_, id, grace):
                self.runtime.stop(id, grace)
                self.learn(id)
            case RemoveSandbox(id) | RemoveContainer(_, id):
                self.runtime.remove(id)
                self.memory.drop(id)
            case Finalize():
                assert not self.ours(), "the object goes before its containers"
                self.finalized += 1
                self.memory.finalized = True

    def created(self, id: str) -> None:
        self.memory.put(self.runtime.inspect(id), self.clock.monotonic())

    def start(self, id: str) -> None:
        try:
            self.runtime.start(id)
        except NoSuchContainer:
            self.memory.drop(id)
        except RuntimeFailure:
            self.learn(id)
        else:
            self.learn(id)

    def learn(self, id: str) -> None:
        try:
            self.memory.put(self.runtime.inspect(id), self.clock.monotonic())
        except NoSuchContainer:
            self.memory.drop(id)

    def ours(self) -> list[ContainerState]:
        return list(self.runtime.list({LABEL_UID: uid(self.pod)}))

    def running(self) -> list[ContainerState]:
        return [c for c in self.ours() if is_running(c)]

    # The walk

    @rule(data=st.data())
    @precondition(lambda self: self.inflight)
    def an_action_ends(self, data: st.DataObject) -> None:
        action = data.draw(st.sampled_from(self.inflight))
        self.inflight.remove(action)
        self.perform(action)
        self.look()

    @rule()
    def all_goes_well_for_a_while(self) -> None:
        """Whatever happened before: left in peace, the pod gets where it is to be, and stays there."""
        self.runtime.start_failures = {}
        self.settle()
        dead = Counter(c.labels[LABEL_CONTAINER] for c in self.ours() if not is_live(c))
        assert all(count == 1 for count in dead.values()), dead
        phase = self.memory.status["phase"]
        if self.memory.finalized:
            assert not self.ours()
        elif phase in ("Succeeded", "Failed"):
            assert self.pod["spec"]["restartPolicy"] != "Always" or self.memory.status.get("reason") == "Evicted"
            assert not self.running()
        else:
            self.check_all_run()

    def check_all_run(self) -> None:
        (sandbox,) = (c for c in self.running() if is_sandbox(c))
        wanted = {c["name"]: c for c in self.pod["spec"]["containers"]}
        running = {c.labels[LABEL_CONTAINER]: c for c in self.running() if not is_sandbox(c)}
        exited_well = {
            name
            for name in wanted
            if self.pod["spec"]["restartPolicy"] != "Always"
            and self.statuses(self.memory.status)[name]["state"].get("terminated")
        }
        sidecars = {c["name"] for c in self.pod["spec"].get("initContainers", ()) if c.get("restartPolicy")}
        assert set(running) == (set(wanted) - exited_well) | sidecars
        for name, instance in running.items():
            assert instance.labels[LABEL_SANDBOX] == sandbox.id, "it lives without its sandbox"
            assert instance.image == {**wanted, **self.inits()}[name]["image"]

    def inits(self) -> dict[str, Object]:
        return {c["name"]: c for c in self.pod["spec"].get("initContainers", ())}

    @rule(data=st.data())
    @precondition(lambda self: any(isinstance(action, StartContainer) for action in self.inflight))
    def a_container_runs_and_its_hook_does_not_end(self, data: st.DataObject) -> None:
        """The start stays in flight; what happens meanwhile must not wait for it."""
        starts = [action for action in self.inflight if isinstance(action, StartContainer)]
        action = data.draw(st.sampled_from(starts))
        spec = find_by_name(all_containers(self.pod), action.container)
        known = self.memory.get(action.id)
        if "lifecycle" not in (spec or {}) or known is None or known.state != "created":
            return
        try:
            self.runtime.start(action.id)
        except RuntimeFailure:
            return
        self.memory.started(action.id, self.clock.now(), self.clock.monotonic(), hooking=True)
        self.look()

    @rule(data=st.data(), kind=st.sampled_from(["passes", "startup", "liveness"]))
    @precondition(lambda self: any(not is_sandbox(c) for c in self.running()))
    def a_probe_has_a_verdict(self, data: st.DataObject, kind: str) -> None:
        probed = data.draw(st.sampled_from([c for c in self.running() if not is_sandbox(c)]))
        if "startupProbe" not in (self.spec_of(probed) or {}):
            return
        if kind == "passes":
            self.passed.add(probed.id)
        elif (kind == "startup") == (probed.id not in self.passed):
            self.given_up[probed.id] = kind
        self.look()

    def settle(self) -> None:
        """Perform what is due, and let init containers succeed, until nothing is left to do."""
        quiet = 0
        for _ in range(200):
            for action in list(self.inflight):
                self.inflight.remove(action)
                self.perform(action)
            self.passed |= {c.id for c in self.running()}
            for init in self.running():
                name = init.labels[LABEL_CONTAINER]
                if name in self.inits() and not self.inits()[name].get("restartPolicy"):
                    self.runtime.exit(init.id, 0)
                    self.learn(init.id)
            self.look()
            if self.inflight:
                quiet = 0
                continue
            self.clock.advance(310)
            self.look()
            quiet += 1
            if quiet == 2:
                return
        raise AssertionError(f"it never comes to rest: {self.inflight}")

    @rule(data=st.data())
    @precondition(lambda self: self.inflight)
    def an_action_fails(self, data: st.DataObject) -> None:
        action = data.draw(st.sampled_from([a for a in self.inflight if not isinstance(a, Finalize)] or self.inflight))
        if isinstance(action, Finalize):
            return
        self.inflight.remove(action)
        self.memory.fail(action, "Failed", "the engine is in a bad mood", self.clock.now())
        self.look()

    @rule(data=st.data(), code=st.sampled_from([0, 1]))
    @precondition(lambda self: self.running())
    def a_container_ends(self, data: st.DataObject, code: int) -> None:
        ended = data.draw(st.sampled_from(self.running()))
        self.runtime.exit(ended.id, code)
        self.learn(ended.id)
        self.look()

    @rule(data=st.data())
    @precondition(lambda self: self.ours())
    def somebody_removes_a_container(self, data: st.DataObject) -> None:
        removed = data.draw(st.sampled_from(self.ours()))
        self.runtime.remove(removed.id)
        self.memory.drop(removed.id)
        self.look()

    @rule(fails=st.booleans())
    def starts_fail_or_not(self, fails: bool) -> None:
        self.runtime.start_failures = {"nginx": "no such command"} if fails else {}

    @rule(seconds=st.sampled_from([0.5, 15, 400]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.look()

    @rule()
    def the_agent_is_killed_and_starts_anew(self) -> None:
        """What was in flight may be done or not; here it is not."""
        if self.memory.finalized:
            return
        self.inflight.clear()
        self.done.clear()
        self.memory = PodMemory(self.memory.status)
        self.memory.relist(self.ours(), self.clock.monotonic())
        self.look()

    @rule()
    @precondition(lambda self: not self.memory.finalized)
    def the_node_ends_the_pod(self) -> None:
        self.memory.condemn(Verdict("Evicted", "The node was low on resource: memory. ", grace=1))
        self.look()

    @rule()
    def the_pod_is_deleted(self) -> None:
        self.pod = deleted(self.pod, self.clock.now())
        self.look()

    @rule(image=st.sampled_from(["nginx", "nginx:2"]))
    def the_image_is_changed(self, image: str) -> None:
        self.runtime.add_image(image)
        self.pod = {
            **self.pod,
            "spec": {**self.pod["spec"], "containers": [{**c, "image": image} for c in self.pod["spec"]["containers"]]},
        }
        self.look()

    # The promises

    @invariant()
    def at_most_one_of_each_lives(self) -> None:
        if not hasattr(self, "runtime"):
            return
        live = Counter(c.labels[LABEL_CONTAINER] for c in self.ours() if is_live(c))
        assert all(count == 1 for count in live.values()), live

    def teardown(self) -> None:
        """However the walk went: a deleted pod ends, and once."""
        if not hasattr(self, "runtime"):
            return
        self.pod = deleted(self.pod, self.clock.now())
        self.look()
        self.settle()
        assert self.memory.finalized and not self.ours()
        self.look()
        assert not self.inflight, "an action after the end"


TestPodWalk = PodWalk.TestCase
TestPodWalk.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
