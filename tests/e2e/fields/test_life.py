"""Containers one after the other, hooks, probes, ports: the life of a pod."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from tests.e2e.fields.conftest import Pods, Shared
from tests.e2e.harness import eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


def entry(pods: Pods, pod: str) -> dict[str, Any]:
    """The status of the pod's only container."""
    (found,) = pods.get(pod)["status"].get("containerStatuses") or [{}]
    return dict(found)


def test_probes_and_the_first_hook(pods: Pods) -> None:
    """Ready, it has passed an HTTPS probe with a header, found by the port's name; the hook let it start."""
    status = entry(pods, "probed")
    assert (status["ready"], status["started"], status["restartCount"]) == (True, True, 0)


def test_a_probe_without_its_header(pods: Pods) -> None:
    assert pods.event("unheard", "Unhealthy") == "Readiness probe failed: HTTP probe failed with statuscode: 500"
    assert entry(pods, "unheard")["ready"] is False


def test_init_containers_and_a_sidecar(pods: Pods) -> None:
    said = pods.said("life")
    assert (said["first"], said["side"]) == ("1", "1")


def test_a_port_of_the_host(pods: Pods) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{pods.host_port}/log") as answer:
        assert b"first=1" in answer.read()


def test_a_deadline(pods: Pods) -> None:
    assert pods.rejected("deadline")[0] == "DeadlineExceeded"


def test_a_readiness_gate(pods: Pods) -> None:
    eventually(lambda: entry(pods, "unfed").get("ready"), 30)
    conditions = {each["type"]: each for each in pods.get("unfed")["status"]["conditions"]}
    assert conditions["ContainersReady"]["status"] == "True"
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == ("False", "ReadinessGatesNotReady")


def test_restart_policies(pods: Pods) -> None:
    eventually(lambda: pods.get("over")["status"]["phase"] == "Failed", 30)
    assert entry(pods, "over")["state"]["terminated"]["exitCode"] == 3
    eventually(lambda: entry(pods, "again").get("restartCount", 0) > 0, 30)


def test_the_last_hook(pods: Pods, shared_folder: Shared) -> None:
    pods.cluster.kubectl("delete", "pod", "life", "--timeout=30s")
    assert (shared_folder.path / "life" / "prestop").exists()
