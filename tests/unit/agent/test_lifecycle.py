"""One situation, one decision: the table of what the agent does next."""

from __future__ import annotations

from dataclasses import replace

import pytest

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
    ResizeContainer,
    StartContainer,
    StartSandbox,
    TeardownVolumes,
)
from agent.lifecycle import step
from agent.observed import Health, Observed, Setback
from agent.runtime.base import Resources
from orchestrator.api.meta import Object
from tests.fakes.pods import container, deleted, pod
from tests.unit.agent.observations import NOW, instance, sandbox, seen

WEB = pod("web")
PAIR = pod("pair", container("a"), container("b"))
INIT = pod("init", container("a"), init=[container("first"), container("second")])
SIDECAR = pod("sidecar", container("a"), init=[container("side", restartPolicy="Always")])
SIDECARS = pod(
    "sidecars",
    container("a"),
    init=[container("one", restartPolicy="Always"), container("two", restartPolicy="Always")],
)
SIZED = container(resources={"requests": {"cpu": "500m"}})
RESTART = [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]
ADDRESS = pod(
    "address",
    container(env=[{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]),
)
NEVER = pod("never", restartPolicy="Never")


def kill(name: str, grace: int = 30, message: str = "") -> KillContainer:
    return KillContainer(name, f"{name}-0", grace, message or f"Stopping container {name}")


CASES: dict[str, tuple[Object, Observed, set[Action]]] = {
    "a new pod: everything that needs no sandbox goes beside it": (
        WEB,
        Observed(),
        {CreateSandbox(), EnsureImage("app"), PrepareVolumes()},
    ),
    "the container is made while the sandbox starts": (
        WEB,
        seen(sandbox("created")),
        {StartSandbox("s1"), CreateContainer("app", "s1", 0)},
    ),
    "unless its environment has the pod's address in it": (ADDRESS, seen(sandbox("created")), {StartSandbox("s1")}),
    "then it is made when the sandbox runs": (ADDRESS, seen(sandbox()), {CreateContainer("app", "s1", 0)}),
    "a container that was made is started when the sandbox runs": (
        WEB,
        seen(sandbox(), instance(state="created")),
        {StartContainer("app", "app-0")},
    ),
    "and not before": (WEB, seen(sandbox("created"), instance(state="created")), {StartSandbox("s1")}),
    "all runs: nothing to do": (WEB, seen(sandbox(), instance()), set()),
    "containers start side by side": (
        PAIR,
        seen(sandbox()),
        {CreateContainer("a", "s1", 0), CreateContainer("b", "s1", 0)},
    ),
    "what is in flight is not begun again": (
        WEB,
        Observed(inflight=frozenset({CreateSandbox(), EnsureImage("app")})),
        {
            PrepareVolumes(),
        },
    ),
    "init containers come first, one by one": (INIT, seen(sandbox()), {CreateContainer("first", "s1", 0)}),
    "the next one after a success": (
        INIT,
        seen(sandbox(), instance("first", "exited")),
        {CreateContainer("second", "s1", 0)},
    ),
    "a failed one again, the first time at once": (
        INIT,
        seen(sandbox(), instance("first", "exited", exit_code=1)),
        {CreateContainer("first", "s1", 1)},
    ),
    "app containers after the last": (
        INIT,
        seen(sandbox(), instance("first", "exited"), instance("second", "exited")),
        {CreateContainer("a", "s1", 0)},
    ),
    "a failed init container ends a pod that never restarts": (
        {**INIT, "spec": {**INIT["spec"], "restartPolicy": "Never"}},
        seen(sandbox(), instance("first", "exited", exit_code=1)),
        {RemoveSandbox("s1")},
    ),
    "a new sandbox means new init containers": (
        INIT,
        seen(sandbox(id="s2"), instance("first", "exited"), instance("second", "exited"), instance("a", "exited")),
        {CreateContainer("first", "s2", 1)},
    ),
    "a sidecar runs before the others": (SIDECAR, seen(sandbox()), {CreateContainer("side", "s1", 0)}),
    "and is started when they may come": (
        SIDECAR,
        seen(sandbox(), instance("side"), health=Health(starting=frozenset({"side-0"}))),
        set(),
    ),
    "and stays beside them": (SIDECAR, seen(sandbox(), instance("side")), {CreateContainer("a", "s1", 0)}),
    "and comes back": (
        SIDECAR,
        seen(sandbox(), instance("side", "exited"), instance("a")),
        {CreateContainer("side", "s1", 1)},
    ),
    "an ended container is started again": (
        WEB,
        seen(sandbox(), instance(state="exited")),
        {CreateContainer("app", "s1", 1)},
    ),
    "not where nothing restarts: then the pod has ended": (
        NEVER,
        seen(sandbox(), instance(state="exited", exit_code=1)),
        {RemoveSandbox("s1")},
    ),
    "and its containers stay, for their logs": (NEVER, seen(instance(state="exited", exit_code=1)), set()),
    "a container that could not be started has ended": (
        WEB,
        seen(sandbox(), instance(state="created", error="no such command", exit_code=127)),
        {CreateContainer("app", "s1", 1)},
    ),
    "a changed image: the old one is stopped": (
        pod("new", container(image="nginx:2")),
        seen(sandbox(), instance()),
        {kill("app", message="Container app definition changed, will be restarted")},
    ),
    "and the new one comes at once, however often it was changed": (
        pod("new", container(image="nginx:2")),
        seen(sandbox(), instance(state="exited", restarts=7)),
        {CreateContainer("app", "s1", 8)},
    ),
    "whatever the restart policy": (
        pod("new", container(image="nginx:2"), restartPolicy="Never"),
        seen(sandbox(), instance(state="exited")),
        {CreateContainer("app", "s1", 1)},
    ),
    "a failed liveness probe": (
        WEB,
        seen(sandbox(), instance(), health=Health(unhealthy={"app-0": "liveness"})),
        {kill("app", message="Container app failed liveness probe, will be restarted")},
    ),
    "a dead sandbox: its containers are stopped": (
        PAIR,
        seen(sandbox("exited"), instance("a"), instance("b")),
        {
            kill("a"),
            kill("b"),
        },
    ),
    "then it is removed": (WEB, seen(sandbox("exited"), instance(state="exited")), {RemoveSandbox("s1")}),
    "then a new one is made": (WEB, seen(instance(state="exited")), {CreateSandbox()}),
    "and the containers in it count on": (
        WEB,
        seen(sandbox(id="s2"), instance(state="exited")),
        {CreateContainer("app", "s2", 1)},
    ),
    "a sandbox that did not start is removed": (
        WEB,
        seen(sandbox("created", error="port taken", exit_code=128)),
        {RemoveSandbox("s1")},
    ),
    "a pod that never restarts gets no second sandbox": (NEVER, seen(instance(state="exited", exit_code=137)), set()),
    "only the newest ended instance is kept": (
        WEB,
        seen(sandbox(), instance(restarts=2), instance(state="exited", restarts=1), instance(state="exited")),
        {RemoveContainer("app", "app-0")},
    ),
    "deletion: containers get their grace": (
        deleted(PAIR, NOW, 7),
        seen(sandbox(), instance("a"), instance("b")),
        {kill("a", 7), kill("b", 7)},
    ),
    "deletion: sidecars go last": (
        deleted(SIDECAR, NOW),
        seen(sandbox(), instance("side"), instance("a")),
        {kill("a")},
    ),
    "deletion: of sidecars the last goes first": (
        deleted(SIDECARS, NOW),
        seen(sandbox(), instance("one"), instance("two"), instance("a", "exited")),
        {kill("two", 24)},
    ),
    "deletion: and then the others, in what is left of the grace": (
        deleted(SIDECARS, NOW, 7),
        seen(sandbox(), instance("one"), instance("two", "exited"), instance("a", "exited")),
        {kill("one", 2)},
    ),
    "deletion: a sidecar that was told to stop is not told again": (
        deleted(SIDECARS, NOW),
        seen(sandbox(), instance("one"), instance("two"), instance("a", "exited"), stopping={"two-0": 29}),
        set(),
    ),
    "a pod that has ended: its sidecars end, the last first": (
        {**SIDECARS, "spec": {**SIDECARS["spec"], "restartPolicy": "Never"}},
        seen(sandbox(), instance("one"), instance("two"), instance("a", "exited")),
        {kill("two")},
    ),
    "deletion: a postStart hook that runs does not hold it up": (
        deleted(WEB, NOW),
        seen(sandbox(), instance(), inflight=frozenset({StartContainer("app", "app-0")}), hooking=frozenset({"app-0"})),
        {kill("app")},
    ),
    "a sidecar whose postStart hook runs has not started yet": (
        SIDECAR,
        seen(sandbox(), instance("side"), hooking=frozenset({"side-0"})),
        set(),
    ),
    "other limits than the spec's: they are changed": (
        pod("resized", SIZED),
        seen(sandbox(), instance(of=SIZED, resources=Resources(cpu_shares=2))),
        {ResizeContainer("app", "app-0")},
    ),
    "not while nothing is known of them": (pod("resized", SIZED), seen(sandbox(), instance(of=SIZED)), set()),
    "some want a restart for it": (
        pod("resized", {**SIZED, "resizePolicy": RESTART}),
        seen(sandbox(), instance(resources=Resources(cpu_shares=2))),
        {kill("app", message="Container app resize requires restart")},
    ),
    "which comes at once": (
        pod("resized", {**SIZED, "resizePolicy": RESTART}),
        seen(sandbox(), instance(state="exited", restarts=7, resources=Resources(cpu_shares=2))),
        {CreateContainer("app", "s1", 8)},
    ),
    "deletion: when they are down everything is removed": (
        deleted(WEB, NOW),
        seen(sandbox(), instance(state="exited")),
        {RemoveContainer("app", "app-0"), RemoveSandbox("s1")},
    ),
    "deletion: what never started is removed at once": (
        deleted(WEB, NOW),
        seen(sandbox(), instance(state="created")),
        {RemoveContainer("app", "app-0")},
    ),
    "deletion: nothing is cleaned up under what is being made": (
        deleted(WEB, NOW),
        seen(sandbox(), inflight=frozenset({CreateContainer("app", "s1", 0)})),
        set(),
    ),
    "deletion: then the volumes": (deleted(WEB, NOW), seen(), {TeardownVolumes()}),
    "deletion: then the object": (deleted(WEB, NOW), seen(volumes="removed"), {Finalize()}),
    "deletion: then nothing": (deleted(WEB, NOW), seen(volumes="removed", finalized=True), set()),
    "a pod gone from the API is ended the same": (WEB, seen(sandbox(), instance(), gone=True), {kill("app")}),
}


@pytest.mark.parametrize("case", CASES)
def test_next_actions(case: str) -> None:
    asked, observed, expected = CASES[case]
    assert set(step(asked, observed, NOW + 6).actions) == expected


@pytest.mark.parametrize(
    ("restarts", "wait"), [(0, 0), (1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (60, 300)]
)
def test_restarts_back_off(restarts: int, wait: float) -> None:
    observed = seen(sandbox(), instance(state="exited", restarts=restarts))
    end = NOW + 5
    if wait:
        early = step(WEB, observed, end + wait - 0.1)
        assert early.actions == ()
        assert early.again_at == end + wait
    assert step(WEB, observed, end + wait).actions == (CreateContainer("app", "s1", restarts + 1),)


def test_ten_minutes_of_running_end_the_back_off() -> None:
    steady = instance(state="exited", restarts=5, finished_at=NOW + 600)
    assert step(WEB, seen(sandbox(), steady), NOW + 600).actions
    crash = instance(state="exited", restarts=6)
    assert step(WEB, seen(sandbox(), crash, steady={"app": 5}), NOW + 14).again_at == NOW + 15


def test_a_failed_action_waits_and_others_do_not() -> None:
    setback = Setback(EnsureImage("app"), "ErrImagePull", "no", NOW + 10)
    observed = Observed(setbacks={setback.action.slot: setback})
    assert set(step(WEB, observed, NOW).actions) == {CreateSandbox(), PrepareVolumes()}
    assert step(WEB, observed, NOW).again_at == NOW + 10
    assert EnsureImage("app") in step(WEB, observed, NOW + 10).actions


def test_a_stop_that_failed_is_not_tried_again_at_once_unless_it_is_to_be_quicker() -> None:
    setback = Setback(kill("app", 30), "", "the engine answers 500", NOW + 10)
    observed = seen(sandbox(), instance(), setbacks={setback.action.slot: setback})
    waiting = step(deleted(WEB, NOW, 30), observed, NOW)
    assert (waiting.actions, waiting.again_at) == ((), NOW + 10)
    assert step(deleted(WEB, NOW, 5), observed, NOW).actions == (kill("app", 5),)
    assert step(deleted(WEB, NOW, 30), observed, NOW + 10).actions == (kill("app", 30),)


def test_a_sandbox_that_does_not_start_is_not_made_anew_at_once() -> None:
    setback = Setback(StartSandbox("s1"), "ContainerCreating", "port taken", NOW + 10)
    observed = Observed(setbacks={setback.action.slot: setback})
    assert CreateSandbox() not in step(WEB, observed, NOW).actions
    assert CreateSandbox() in step(WEB, observed, NOW + 10).actions


def test_a_setback_of_the_start_does_not_hold_up_the_end() -> None:
    setback = Setback(PrepareVolumes(), "ContainerCreating", "no such config map", NOW + 10)
    observed = Observed(setbacks={setback.action.slot: setback})
    assert step(deleted(WEB, NOW), observed, NOW).actions == (TeardownVolumes(),)


def test_a_shorter_grace_overtakes_a_longer_one() -> None:
    observed = seen(sandbox(), instance(), inflight=frozenset({kill("app", 30)}), stopping={"app-0": 30})
    assert step(deleted(WEB, NOW, 30), observed, NOW).actions == ()
    assert step(deleted(WEB, NOW, 5), observed, NOW).actions == (kill("app", 5),)


def test_a_forced_deletion_still_leaves_a_second() -> None:
    assert step(deleted(WEB, NOW, 0), seen(sandbox(), instance()), NOW).actions == (kill("app", 1),)


def test_a_pod_past_its_deadline_ends() -> None:
    limited = pod("limited", activeDeadlineSeconds=60)
    status = {"startTime": "2023-11-14T22:13:20Z"}  # NOW
    observed = replace(seen(sandbox(), instance()), status=status)
    assert step(limited, observed, NOW + 59).again_at == NOW + 60
    assert step(limited, observed, NOW + 60).actions == (kill("app"),)


def test_the_probes_own_grace_counts() -> None:
    probed = pod("probed", container(livenessProbe={"exec": {}, "terminationGracePeriodSeconds": 3}))
    observed = seen(sandbox(), instance(), health=Health(unhealthy={"app-0": "liveness"}))
    (action,) = step(probed, observed, NOW).actions
    assert isinstance(action, KillContainer)
    assert action.grace == 3
