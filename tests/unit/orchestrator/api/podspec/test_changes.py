from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.meta import Object
from orchestrator.api.podspec.changes import changes

RESTART = {"resourceName": "cpu", "restartPolicy": "RestartContainer"}
TOLERATION = {"key": "a", "operator": "Exists", "effect": "NoExecute"}


def spec(image: str = "nginx:1", **more: Any) -> Object:
    return {"containers": [{"name": "web", "image": image}], "terminationGracePeriodSeconds": 30, **more}


def sized(**more: Any) -> Object:
    return spec(containers=[{"name": "web", "image": "nginx:1", "resources": {"requests": {"cpu": "1"}}, **more}])


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (spec(), spec()),
        (spec("nginx:2"), spec("nginx:1")),
        (spec(tolerations=[TOLERATION]), spec()),
        (spec(tolerations=[{**TOLERATION, "tolerationSeconds": 5}]), spec(tolerations=[TOLERATION])),
        (spec(activeDeadlineSeconds=5), spec()),
        (spec(activeDeadlineSeconds=5), spec(activeDeadlineSeconds=6)),
        (spec(terminationGracePeriodSeconds=1), spec(terminationGracePeriodSeconds=-1)),
        (spec(), spec(schedulingGates=[{"name": "g"}])),
        (sized(resizePolicy=[{**RESTART, "restartPolicy": "NotRequired"}]), sized()),
    ],
)
def test_allowed(new: Object, old: Object) -> None:
    assert list(changes(new, old)) == []


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (spec(nodeSelector={"a": "b"}), spec(), "changed: `spec.nodeSelector`"),
        (spec(nodeName="a"), spec(nodeName="b"), "changed: `spec.nodeName`"),
        (spec(terminationGracePeriodSeconds=5), spec(), "changed: `spec.terminationGracePeriodSeconds`"),
        (spec(containers=[{"name": "x", "image": "nginx:1"}]), spec(), "changed: `spec.containers`"),
        (
            sized(resizePolicy=[{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]),
            sized(),
            "`spec.containers`",
        ),
        (spec(containers=[]), spec(), "spec.containers: Forbidden: pod updates may not add or remove containers"),
        (spec(), spec(tolerations=[TOLERATION]), "existing toleration can not be modified except its tolerationSecond"),
        (spec(), spec(activeDeadlineSeconds=5), "must not update from a positive integer to nil value"),
        (spec(activeDeadlineSeconds=6), spec(activeDeadlineSeconds=5), "must be less than or equal to previous value"),
        (spec(schedulingGates=[{"name": "g"}]), spec(), "only deletion is allowed, but found new scheduling gate 'g'"),
    ],
)
def test_refused(new: Object, old: Object, expected: str) -> None:
    assert [expected in f"{error.field}: {error.message}" for error in changes(new, old)] == [True]


def test_the_sentence_lists_what_may_change() -> None:
    (error,) = changes(spec(hostname="a"), spec())
    assert error.message.startswith(
        "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
        "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
    )
