from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from orchestrator.api import pods
from orchestrator.api.meta import Object
from orchestrator.api.pods import HostPort


def container(requests: Object | None = None, limits: Object | None = None, **more: Any) -> Object:
    return {"name": "c", "resources": {"requests": requests or {}, "limits": limits or {}}, **more}


def pod(*containers: Object, init: tuple[Object, ...] = (), overhead: Object | None = None) -> Object:
    return {"spec": {"containers": list(containers), "initContainers": list(init), "overhead": overhead or {}}}


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("example", "cpu"),
    [
        (pod(), 0),
        (pod(container({"cpu": "100m"}), container({"cpu": "1"})), Fraction(11, 10)),
        # The largest init container counts, when it is larger than all that runs later.
        (pod(container({"cpu": "1"}), init=(container({"cpu": "2"}), container({"cpu": "3"}))), 3),
        (pod(container({"cpu": "4"}), init=(container({"cpu": "2"}),)), 4),
        # A sidecar runs beside the containers, and beside the init containers after it.
        (pod(container({"cpu": "1"}), init=(container({"cpu": "2"}, **SIDECAR),)), 3),
        (pod(container({"cpu": "1"}), init=(container({"cpu": "2"}, **SIDECAR), container({"cpu": "3"}))), 5),
        (pod(container({"cpu": "1"}), init=(container({"cpu": "3"}), container({"cpu": "2"}, **SIDECAR))), 3),
        (pod(container({"cpu": "1"}), overhead={"cpu": "250m"}), Fraction(5, 4)),
    ],
)
def test_requests(example: Object, cpu: Fraction) -> None:
    assert pods.requests(example).get("cpu", 0) == cpu


def test_requests_of_all_resources() -> None:
    example = pod(container({"memory": "1Mi", "example.com/gpu": "2"}), container({"memory": "1Mi"}))
    assert pods.requests(example) == {"memory": 2 * 1024**2, "example.com/gpu": 2}


EQUAL = {"cpu": "1", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        (pod(container()), "BestEffort"),
        (pod(container({"example.com/gpu": "1"}, {"example.com/gpu": "1"})), "BestEffort"),
        (pod(container({"cpu": "0"})), "BestEffort"),
        (pod(container({"cpu": "1"})), "Burstable"),
        (pod(container(EQUAL, EQUAL)), "Guaranteed"),
        (pod(container({"cpu": "1000m", "memory": "1Gi"}, EQUAL)), "Guaranteed"),
        (pod(container(EQUAL, EQUAL), container()), "Burstable"),
        (pod(container({"cpu": "1"}, {"cpu": "1"})), "Burstable"),
        (pod(container(EQUAL, EQUAL), init=(container(),)), "Burstable"),
    ],
)
def test_qos_class(example: Object, expected: str) -> None:
    assert pods.qos_class(example) == expected


def test_host_ports_of_what_keeps_running() -> None:
    web = container(ports=[{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}])
    dns = container(ports=[{"containerPort": 53, "hostPort": 53, "protocol": "UDP", "hostIP": "10.0.0.1"}], **SIDECAR)
    once = container(ports=[{"containerPort": 1, "hostPort": 1}])
    assert pods.host_ports(pod(web, init=(dns, once))) == {
        HostPort("0.0.0.0", "TCP", 8080),
        HostPort("10.0.0.1", "UDP", 53),
    }


@pytest.mark.parametrize(
    ("example", "ready", "terminal", "active"),
    [
        ({}, False, False, True),
        ({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}, True, False, True),
        ({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, False, False, True),
        ({"status": {"phase": "Succeeded"}}, False, True, False),
        ({"status": {"phase": "Failed"}}, False, True, False),
        ({"metadata": {"deletionTimestamp": "2026-01-31T10:00:00Z"}}, False, False, False),
    ],
)
def test_state(example: Object, ready: bool, terminal: bool, active: bool) -> None:
    assert (pods.is_ready(example), pods.is_terminal(example), pods.is_active(example)) == (ready, terminal, active)


def test_container_statuses_by_name() -> None:
    status = {
        "initContainerStatuses": [{"name": "init"}],
        "containerStatuses": [{"name": "web"}],
        "ephemeralContainerStatuses": [{"name": "debug"}],
    }
    assert list(pods.container_statuses({"status": status})) == ["init", "web", "debug"]
