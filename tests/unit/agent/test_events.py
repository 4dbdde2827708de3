from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.actions import CreateContainer, CreateSandbox, EnsureImage, KillContainer, PrepareVolumes, StartSandbox
from agent.events import field_path, status_events
from agent.failures import explain
from agent.images import ImageError
from agent.orphans import orphan
from agent.runtime.base import (
    LABEL_GRACE,
    LABEL_NAMESPACE,
    LABEL_POD,
    LABEL_UID,
    ConfigError,
    EngineUnreachable,
    RuntimeFailure,
)
from agent.volume_folders import VolumeError
from orchestrator.api.errors import ServiceUnavailable
from orchestrator.api.meta import Object
from tests.fakes.pods import container, pod
from tests.unit.agent.observations import instance, sandbox

WEB = pod("web", container("app"), init=[container("first")])


def crashing(restarts: int, reason: str = "CrashLoopBackOff") -> Object:
    entry = {"name": "app", "restartCount": restarts, "state": {"waiting": {"reason": reason}}}
    return {"containerStatuses": [entry]}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({}, crashing(1), True),
        (crashing(1, "ContainerCreating"), crashing(1), True),
        (crashing(1), crashing(1), False),
        (crashing(1), crashing(2), True),
        (crashing(1), crashing(1, "ErrImagePull"), False),
    ],
)
def test_each_back_off_is_told_once(old: Object, new: Object, told: bool) -> None:
    events = [(event.reason, event.message) for event in status_events(WEB, old, new)]
    where = f"container app in pod web_default({WEB['metadata']['uid']})"
    assert events == ([("BackOff", f"Back-off restarting failed {where}")] if told else [])


def test_field_paths() -> None:
    assert field_path(WEB, "app") == "spec.containers{app}"
    assert field_path(WEB, "first") == "spec.initContainers{first}"


@pytest.mark.parametrize(
    ("action", "error", "reason", "events"),
    [
        (
            CreateSandbox(),
            RuntimeFailure("no space"),
            "ContainerCreating",
            [("FailedCreatePodSandBox", "Failed to create pod sandbox: no space")],
        ),
        (
            StartSandbox("s1"),
            RuntimeFailure("port taken"),
            "ContainerCreating",
            [("FailedCreatePodSandBox", "Failed to create pod sandbox: port taken")],
        ),
        (PrepareVolumes(), VolumeError("no such volume"), "ContainerCreating", [("FailedMount", "no such volume")]),
        (EnsureImage("app"), ImageError("ErrImagePull", "denied", 2), "ErrImagePull", []),
        (
            CreateContainer("app", "s1", 0),
            ConfigError('configmap "x" not found'),
            "CreateContainerConfigError",
            [("Failed", 'Error: configmap "x" not found')],
        ),
        (
            CreateContainer("app", "s1", 0),
            ServiceUnavailable("away"),
            "CreateContainerConfigError",
            [("Failed", "Error: away")],
        ),
        (
            CreateContainer("app", "s1", 0),
            RuntimeFailure("bad mount"),
            "CreateContainerError",
            [("Failed", "Error: bad mount")],
        ),
        (CreateContainer("app", "s1", 0), EngineUnreachable("gone"), "CreateContainerError", []),
        (
            KillContainer("app", "app-0", 30, ""),
            RuntimeFailure("stuck"),
            "ContainerCreating",
            [("FailedKillPod", "error killing pod: stuck")],
        ),
    ],
)
def test_failures(action: Any, error: Exception, reason: str, events: list[tuple[str, str]]) -> None:
    failure = explain(action, error)
    assert failure.reason == reason
    assert [(event.reason, event.message) for event in failure.events] == events


def test_a_pod_can_be_ended_by_its_containers_labels() -> None:
    labels = {LABEL_UID: "u1", LABEL_POD: "web", LABEL_NAMESPACE: "shop", LABEL_GRACE: "7"}
    containers = [sandbox(), instance("a"), instance("a", "exited"), instance("b")]
    found = orphan([_labelled(c, labels) for c in containers])
    assert found["metadata"] == {"namespace": "shop", "name": "web", "uid": "u1"}
    assert found["spec"] == {"containers": [{"name": "a"}, {"name": "b"}], "terminationGracePeriodSeconds": 7}


def _labelled(container: Any, labels: dict[str, str]) -> Any:
    return replace(container, labels={**container.labels, **labels})
