from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object
from orchestrator.api.strategies.base import Cell
from tests.unit.orchestrator.api.strategies.rows import row

RUNNING = {"state": {"running": {}}, "ready": True}
STARTING = {"state": {"running": {}}, "ready": False}
DELETING = {"deletionTimestamp": "2026-01-31T10:05:30Z"}


def waiting(reason: str) -> Object:
    return {"state": {"waiting": {"reason": reason}}}


def ended(code: int = 0, reason: str = "", signal: int = 0) -> Object:
    return {"state": {"terminated": {"exitCode": code, "reason": reason, "signal": signal}}}


def pod(
    *states: Object,
    phase: str = "Running",
    init: tuple[Object, ...] = (),
    sidecars: int = 0,
    ready: bool = False,
    metadata: Object | None = None,
    **status: Any,
) -> Object:
    """A pod of one container a state; the first `sidecars` init containers keep running."""
    always = {"restartPolicy": "Always"}
    init_containers = [{"name": f"i{n}", **(always if n < sidecars else {})} for n in range(len(init))]
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": metadata or {},
        "spec": {
            "containers": [{"name": f"c{n}"} for n in range(len(states) or 1)],
            "initContainers": init_containers,
        },
        "status": {
            "phase": phase,
            "conditions": conditions,
            "containerStatuses": [{"name": f"c{n}", **state} for n, state in enumerate(states)],
            "initContainerStatuses": [{"name": f"i{n}", **state} for n, state in enumerate(init)],
            **status,
        },
    }


GATED = {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}
SIDECAR = {**RUNNING, "started": True}

STATUS: list[tuple[Object, str, str]] = [
    (pod(phase="Pending"), "0/1", "Pending"),
    (pod(phase="Pending", **GATED), "0/1", "SchedulingGated"),
    (pod(waiting("ContainerCreating"), phase="Pending"), "0/1", "ContainerCreating"),
    (pod(waiting("ErrImagePull"), phase="Pending"), "0/1", "ErrImagePull"),
    (pod(RUNNING, ready=True), "1/1", "Running"),
    (pod(RUNNING, STARTING), "1/2", "Running"),
    (pod(waiting("CrashLoopBackOff")), "0/1", "CrashLoopBackOff"),
    # The first container's reason wins.
    (pod(waiting("CrashLoopBackOff"), waiting("ErrImagePull")), "0/2", "CrashLoopBackOff"),
    (pod(ended(reason="Completed"), phase="Succeeded"), "0/1", "Completed"),
    (pod(ended(1, "Error"), phase="Failed"), "0/1", "Error"),
    (pod(ended(137, "OOMKilled"), phase="Failed"), "0/1", "OOMKilled"),
    (pod(ended(3), phase="Failed"), "0/1", "ExitCode:3"),
    (pod(ended(137, signal=9), phase="Failed"), "0/1", "Signal:9"),
    (pod(ended(reason="Completed"), RUNNING, ready=True), "1/2", "Running"),
    (pod(ended(reason="Completed"), RUNNING), "1/2", "NotReady"),
    (pod(phase="Failed", reason="Evicted"), "0/1", "Evicted"),
    # Initialization.
    (pod(phase="Pending", init=(STARTING, waiting("PodInitializing"))), "0/1", "Init:0/2"),
    (pod(phase="Pending", init=(ended(), waiting("PodInitializing"))), "0/1", "Init:1/2"),
    (pod(phase="Pending", init=(waiting("ErrImagePull"),)), "0/1", "Init:ErrImagePull"),
    (pod(phase="Pending", init=(waiting("CrashLoopBackOff"),)), "0/1", "Init:CrashLoopBackOff"),
    (pod(phase="Pending", init=(ended(1, "Error"),)), "0/1", "Init:Error"),
    (pod(phase="Pending", init=(ended(2),)), "0/1", "Init:ExitCode:2"),
    (pod(phase="Pending", init=(ended(2, signal=15),)), "0/1", "Init:Signal:15"),
    (pod(waiting("PodInitializing"), phase="Pending", init=(ended(), ended())), "0/1", "PodInitializing"),
    # Sidecars count among the containers, once they have started.
    (pod(RUNNING, ready=True, init=(SIDECAR,), sidecars=1), "2/2", "Running"),
    (pod(phase="Pending", init=(SIDECAR, STARTING), sidecars=1), "1/2", "Init:1/2"),
    (pod(phase="Pending", init=(STARTING,), sidecars=1), "0/2", "Init:0/1"),
    # Deletion.
    (pod(RUNNING, metadata=DELETING), "1/1", "Terminating"),
    (pod(ended(reason="Completed"), phase="Succeeded", metadata=DELETING), "0/1", "Completed"),
    (pod(RUNNING, metadata=DELETING, reason="NodeLost"), "1/1", "Unknown"),
]


@pytest.mark.parametrize(("example", "ready", "reason"), STATUS)
def test_ready_and_status(example: Object, ready: str, reason: str) -> None:
    cells = row(POD, example)
    assert (cells["Ready"], cells["Status"]) == (ready, reason)


def restarted(count: int, ended_at: str = "", **more: Any) -> Object:
    last = {"lastState": {"terminated": {"finishedAt": ended_at}}} if ended_at else {}
    return {**RUNNING, "restartCount": count, **last, **more}


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (pod(RUNNING), "0"),
        (pod(restarted(2)), "2"),
        (pod(restarted(2, "2026-01-31T10:02:00Z")), "2 (3m ago)"),
        (pod(restarted(1, "2026-01-31T10:02:00Z"), restarted(1, "2026-01-31T10:04:55Z")), "2 (5s ago)"),
        (pod(phase="Pending", init=({**waiting("CrashLoopBackOff"), "restartCount": 4},)), "4"),
        # Init containers that are done do not count any more, sidecars do.
        (pod(RUNNING, init=({**ended(), "restartCount": 4},)), "0"),
        (pod(RUNNING, init=(restarted(1, "2026-01-31T10:04:00Z", started=True),), sidecars=1), "1 (60s ago)"),
    ],
)
def test_restarts(example: Object, expected: str) -> None:
    assert row(POD, example)["Restarts"] == expected


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        (
            {},
            {},
            {"IP": "<none>", "Node": "<none>", "Nominated Node": "<none>", "Readiness Gates": "<none>"},
        ),
        (
            {"nodeName": "n1", "readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}]},
            {
                "podIP": "10.0.0.1",
                "podIPs": [{"ip": "10.0.0.1"}],
                "nominatedNodeName": "n2",
                "conditions": [{"type": "a", "status": "True"}],
            },
            {"IP": "10.0.0.1", "Node": "n1", "Nominated Node": "n2", "Readiness Gates": "1/2"},
        ),
    ],
)
def test_wide(spec: Object, status: Object, expected: dict[str, Cell]) -> None:
    cells = row(POD, {"spec": spec, "status": status})
    assert {name: cells[name] for name in expected} == expected
