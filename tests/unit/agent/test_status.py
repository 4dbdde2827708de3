"""A pod's status from what was observed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.actions import CreateContainer, EnsureImage
from agent.observed import Health, Observed, Setback
from agent.status import pod_status
from agent.status_sender import as_patch
from orchestrator.api.meta import Object, find_condition
from orchestrator.api.times import rfc3339
from tests.fakes.pods import container, deleted, pod
from tests.unit.agent.observations import NOW, instance, sandbox, seen

WEB = pod("web")
INIT = pod("init", container("a"), init=[container("first"), container("second")])


def status(asked: Object, observed: Observed, now: float = NOW + 6) -> Object:
    return pod_status(asked, observed, "192.0.2.1", now)


def entry(asked: Object, observed: Observed, field: str = "containerStatuses", now: float = NOW + 6) -> Object:
    found: Object = status(asked, observed, now)[field][0]
    return found


def policy(name: str) -> Object:
    return pod("web", restartPolicy=name)


DEAD = instance(state="exited", exit_code=1)
DONE = instance(state="exited")


@pytest.mark.parametrize(
    ("asked", "observed", "phase"),
    [
        (WEB, Observed(), "Pending"),
        (WEB, seen(sandbox(), instance(state="created")), "Pending"),
        (WEB, seen(sandbox(), instance()), "Running"),
        (WEB, seen(sandbox(), DEAD), "Running"),
        (WEB, seen(sandbox(), DONE), "Running"),
        (policy("OnFailure"), seen(sandbox(), DEAD), "Running"),
        (policy("OnFailure"), seen(sandbox(), DONE), "Succeeded"),
        (policy("Never"), seen(sandbox(), DEAD), "Failed"),
        (policy("Never"), seen(sandbox(), DONE), "Succeeded"),
        (policy("Never"), seen(DONE), "Succeeded"),
        (pod("two", container("a"), container("b")), seen(sandbox(), instance("a")), "Pending"),
        (pod("two", container("a"), container("b"), restartPolicy="Never"), seen(sandbox(), instance("a"),
         instance("b", "exited", exit_code=1)), "Running"),
        (INIT, seen(sandbox(), instance("first")), "Pending"),
        (INIT, seen(sandbox(), instance("first", "exited", exit_code=1)), "Pending"),
        (deleted(WEB, NOW), seen(sandbox(), DONE), "Succeeded"),
        (deleted(WEB, NOW), seen(sandbox(), DEAD), "Failed"),
        (WEB, seen(status={"phase": "Failed"}), "Failed"),
    ],
)  # fmt: skip
def test_phase(asked: Object, observed: Observed, phase: str) -> None:
    assert status(asked, observed)["phase"] == phase


def test_a_running_pod_in_full() -> None:
    made = status(WEB, seen(sandbox(), instance()))
    assert made == {
        "phase": "Running",
        "hostIP": "192.0.2.1",
        "hostIPs": [{"ip": "192.0.2.1"}],
        "podIP": "10.88.0.2",
        "podIPs": [{"ip": "10.88.0.2"}],
        "startTime": rfc3339(NOW + 6),
        "qosClass": "BestEffort",
        "containerStatuses": [
            {
                "name": "app",
                "image": "nginx",
                "imageID": "sha256:nginx",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "containerID": "docker://app-0",
                "state": {"running": {"startedAt": rfc3339(NOW)}},
            }
        ],
        "conditions": [
            {"type": type, "status": "True", "lastTransitionTime": rfc3339(NOW + 6)}
            for type in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
        ],
    }


def test_nothing_changes_where_nothing_happens() -> None:
    observed = seen(sandbox(), instance())
    first = status(WEB, observed)
    assert status(WEB, replace(observed, status=first), NOW + 1000) == first


def setback(action: Any, reason: str) -> dict[str, Setback]:
    return {action.slot: Setback(action, reason, "because", NOW + 60)}


@pytest.mark.parametrize(
    ("observed", "waiting"),
    [
        (Observed(), {"reason": "ContainerCreating"}),
        (seen(sandbox(), instance(state="created")), {"reason": "ContainerCreating"}),
        (
            Observed(setbacks=setback(EnsureImage("app"), "ErrImagePull")),
            {"reason": "ErrImagePull", "message": "because"},
        ),
        (
            seen(sandbox(), setbacks=setback(CreateContainer("app", "s1", 0), "CreateContainerConfigError")),
            {"reason": "CreateContainerConfigError", "message": "because"},
        ),
    ],
)
def test_why_a_container_waits(observed: Observed, waiting: Object) -> None:
    assert entry(WEB, observed)["state"] == {"waiting": waiting}


def test_app_containers_wait_for_init_containers() -> None:
    made = status(INIT, seen(sandbox(), instance("first")))
    assert made["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert [e["ready"] for e in made["initContainerStatuses"]] == [False, False]
    initialized = find_condition(made["conditions"], "Initialized")
    assert initialized is not None
    assert initialized["message"] == "containers with incomplete status: [first second]"


def test_a_crash_loop() -> None:
    uid = WEB["metadata"]["uid"]
    made = entry(WEB, seen(sandbox(), instance(state="exited", restarts=4, exit_code=3)))
    assert made["state"]["waiting"] == {
        "reason": "CrashLoopBackOff",
        "message": f"back-off 1m20s restarting failed container=app pod=web_default({uid})",
    }
    assert made["lastState"]["terminated"]["exitCode"] == 3
    assert (made["ready"], made["started"], made["restartCount"]) == (False, False, 4)


def test_the_end_of_an_instance_is_kept_beside_its_successor() -> None:
    made = entry(WEB, seen(sandbox(), instance(state="exited", exit_code=137, oom_killed=True), instance(restarts=1)))
    assert "running" in made["state"]
    assert made["lastState"]["terminated"] == {
        "exitCode": 137,
        "reason": "OOMKilled",
        "startedAt": rfc3339(NOW),
        "finishedAt": rfc3339(NOW + 5),
        "containerID": "docker://app-0",
    }


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (DONE, "Completed"),
        (DEAD, "Error"),
        (instance(state="exited", exit_code=137, oom_killed=True), "OOMKilled"),
        (instance(state="created", exit_code=127, error="no such command"), "StartError"),
    ],
)
def test_how_a_container_ended(ended: Any, reason: str) -> None:
    assert entry(policy("Never"), seen(sandbox(), ended))["state"]["terminated"]["reason"] == reason


def test_a_first_failed_start_is_told_in_the_engines_words() -> None:
    failed = instance(state="created", restarts=1, exit_code=127, error="no such command")
    made = entry(WEB, seen(sandbox(), failed))
    assert made["state"] == {"waiting": {"reason": "RunContainerError", "message": "no such command"}}
    often = instance(state="created", restarts=2, exit_code=127, error="no such command")
    assert entry(WEB, seen(sandbox(), often))["state"]["waiting"]["reason"] == "CrashLoopBackOff"


def test_what_is_removed_after_the_end_is_remembered() -> None:
    asked = deleted(WEB, NOW)
    last = status(asked, seen(sandbox(), instance(state="exited", exit_code=3)))
    assert status(asked, seen(status=last))["containerStatuses"] == last["containerStatuses"]


def test_a_container_that_vanished_was_lost() -> None:
    running = status(policy("Never"), seen(sandbox(), instance()))
    made = entry(policy("Never"), seen(sandbox(), status=running))
    assert made["state"]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert made["state"]["terminated"]["exitCode"] == 137


@pytest.mark.parametrize(
    ("health", "ready", "started"),
    [
        (Health(), True, True),
        (Health(unready=frozenset({"app-0"})), False, True),
        (Health(starting=frozenset({"app-0"})), False, False),
    ],
)
def test_readiness(health: Health, ready: bool, started: bool) -> None:
    made = status(WEB, seen(sandbox(), instance(), health=health))
    assert (made["containerStatuses"][0]["ready"], made["containerStatuses"][0]["started"]) == (ready, started)
    condition = find_condition(made["conditions"], "Ready")
    assert condition is not None
    assert condition["status"] == ("True" if ready else "False")
    assert ready or condition["message"] == "containers with unready status: [app]"


def test_readiness_gates_belong_to_others() -> None:
    gated = pod("gated", readinessGates=[{"conditionType": "example.com/fed"}])
    ready = find_condition(status(gated, seen(sandbox(), instance()))["conditions"], "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("False", "ReadinessGatesNotReady")
    gated["status"]["conditions"] = [{"type": "example.com/fed", "status": "True"}]
    made = status(gated, seen(sandbox(), instance()))
    ready = find_condition(made["conditions"], "Ready")
    assert ready is not None
    assert ready["status"] == "True"
    assert "example.com/fed" not in [c["type"] for c in as_patch(made)["conditions"]], "it is not ours to write"


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    first = status(WEB, Observed())
    second = status(WEB, seen(sandbox(), instance(), status=first), NOW + 60)
    times = {c["type"]: c["lastTransitionTime"] for c in second["conditions"]}
    assert times["PodScheduled"] == rfc3339(NOW + 6)
    assert times["Ready"] == rfc3339(NOW + 60)
    assert second["startTime"] == rfc3339(NOW + 6)


def test_a_pod_past_its_deadline_says_so_for_good() -> None:
    limited = pod("limited", activeDeadlineSeconds=60)
    known = {"phase": "Running", "startTime": rfc3339(NOW)}
    stopping = status(limited, seen(sandbox(), instance(), status=known), NOW + 61)
    assert (stopping["phase"], "reason" in stopping) == ("Running", False), "it is told to have ended when it has"
    first = status(limited, seen(sandbox(), instance(state="exited"), status=known), NOW + 61)
    assert (first["phase"], first["reason"]) == ("Failed", "DeadlineExceeded")
    later = status(limited, seen(status=first), NOW + 500)
    assert (later["phase"], later["reason"], later["message"]) == ("Failed", first["reason"], first["message"])


def test_a_host_network_pod_has_the_hosts_address() -> None:
    made = status(pod("host", hostNetwork=True), seen(sandbox(ip=""), instance()))
    assert made["podIP"] == "192.0.2.1"


def test_the_patch_removes_what_is_no_more() -> None:
    patch = as_patch(status(WEB, Observed()))
    assert patch["podIP"] is None
    assert patch["podIPs"] is None
    assert patch["hostIPs"] == [{"$patch": "replace"}, {"ip": "192.0.2.1"}]
    assert all(condition["reason"] is None for condition in patch["conditions"] if condition.get("status") == "True")


def test_a_pod_has_ended_when_its_sidecars_have() -> None:
    job = pod("job", container("a"), init=[container("side", restartPolicy="Always")], restartPolicy="Never")
    known = {"phase": "Running"}
    ending = seen(sandbox(), instance("side"), instance("a", "exited"), status=known)
    assert status(job, ending)["phase"] == "Running"
    ended = seen(sandbox(), instance("side", "exited", exit_code=143), instance("a", "exited"), status=known)
    assert status(job, ended)["phase"] == "Succeeded", "how a sidecar ends does not count"


def test_what_it_is_of_is_said() -> None:
    made = status({**WEB, "metadata": {**WEB["metadata"], "generation": 3}}, seen(sandbox(), instance()))
    assert made["observedGeneration"] == 3
    assert {condition["observedGeneration"] for condition in made["conditions"]} == {3}
