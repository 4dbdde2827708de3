"""Pods that ask for what cannot be: each is told why, and none is taken as if it had not asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.fields.conftest import Pods
from tests.e2e.harness import eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


@pytest.mark.parametrize(
    ("pod", "reason", "message"),
    [
        ("sysctl", "SysctlForbidden", 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted'),
        ("windows", "PodOSNotSupported", "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS"),
        ("gpu-here", "OutOfexample.com/gpu", "Pod was rejected: Node didn't have enough resource: example.com/gpu"),
    ],
)
def test_rejected_by_the_node(pods: Pods, pod: str, reason: str, message: str) -> None:
    found = pods.rejected(pod)
    assert found[0] == reason
    assert found[1].startswith(message)
    assert f"Pod was rejected: {pods.event(pod, reason)}" == found[1]


def test_apparmor_where_there_is_none(pods: Pods) -> None:
    """Where there is, the pod runs by the engine's profile."""
    status = eventually(lambda: {"Failed", "Running"} & {pods.get("apparmor")["status"]["phase"]}, 30)
    if status == {"Failed"}:
        assert pods.rejected("apparmor") == (
            "AppArmor",
            "Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host",
        )


@pytest.mark.parametrize(
    ("pod", "reason", "message"),
    [
        ("gpu", "FailedScheduling", "Insufficient example.com/gpu"),
        ("huge", "FailedScheduling", "Insufficient hugepages-2Mi"),
        ("claiming", "FailedScheduling", 'resourceclaim "device" not found'),
        ("users", "FailedCreatePodSandBox", "can't set `spec.hostUsers: false`, runtime does not support user"),
        ("long", "FailedCreatePodSandBox", "failed to construct FQDN from pod hostname and cluster domain"),
        ("strange", "FailedCreatePodSandBox", "no-such-runtime"),
        ("named-user", "Failed", "image has non-numeric user (member), cannot verify user is non-root"),
        ("unprofiled", "Failed", "cannot load seccomp profile"),
        ("huge-medium", "FailedMount", 'storage medium "HugePages" is not supported'),
        ("bundle", "FailedMount", "a projected volume's source clusterTrustBundle is not supported"),
        ("git", "FailedMount", "volumes of type gitRepo are not supported"),
    ],
)
def test_waits_with_a_reason(pods: Pods, pod: str, reason: str, message: str) -> None:
    assert message in pods.event(pod, reason)
    assert pods.get(pod)["status"]["phase"] == "Pending"


def test_the_containers_reason(pods: Pods) -> None:
    for pod in ("named-user", "unprofiled"):
        pods.event(pod, "Failed")
        (entry,) = pods.get(pod)["status"]["containerStatuses"]
        assert entry["state"]["waiting"]["reason"] == "CreateContainerConfigError"


def test_privileges_that_the_machine_lacks(pods: Pods) -> None:
    """Where it has them, the pod runs."""
    status = eventually(lambda: {"Failed", "Running"} & {pods.get("privileged")["status"]["phase"]}, 30)
    if status == {"Failed"}:
        assert "operation not permitted" in pods.event("privileged", "Failed")


def test_left_to_others(pods: Pods) -> None:
    pods.event("gpu", "FailedScheduling")
    assert pods.get("gated")["status"]["conditions"][0]["reason"] == "SchedulingGated"
    assert "nodeName" not in pods.get("elsewhere")["spec"]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"os": {"name": "plan9"}}, "spec.os.name: Unsupported value"),
        ({"resources": {"limits": {"cpu": "1"}}}, "resources of the pod as a whole are not supported"),
        ({"hostUsers": False, "hostPID": True}, "when `hostUsers` is false"),
        ({"runtimeClassName": "none"}, 'RuntimeClass "none" not found'),
    ],
)
def test_refused_by_the_api(pods: Pods, spec: dict[str, Any], sentence: str) -> None:
    assert sentence in pods.refused(spec)
