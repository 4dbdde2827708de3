from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api import defaults
from orchestrator.api.meta import Object


def defaulted(container: Object | None = None, **spec: Any) -> Object:
    result = {"containers": [{"name": "web", "image": "nginx:1.27", **(container or {})}], **spec}
    defaults.default_pod_spec(result)
    return result


def test_a_minimal_spec() -> None:
    assert defaulted() == {
        "containers": [
            {
                "name": "web",
                "image": "nginx:1.27",
                "imagePullPolicy": "IfNotPresent",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    }


def test_what_is_given_stays() -> None:
    given = {"dnsPolicy": "Default", "restartPolicy": "Never", "terminationGracePeriodSeconds": 0}
    assert defaulted(**given).items() >= given.items()


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("localhost:5001/web", "Always"),
        ("localhost:5001/web:latest", "Always"),
        ("localhost:5001/web:v1", "IfNotPresent"),
        ("nginx@sha256:abc", "IfNotPresent"),
        ("nginx:latest@sha256:abc", "Always"),
        ("", "IfNotPresent"),
    ],
)
def test_pull_policy(image: str, policy: str) -> None:
    assert defaults.pull_policy(image) == policy


def test_probe() -> None:
    probe = {"httpGet": {"port": 80}, "timeoutSeconds": 0, "periodSeconds": 5}
    assert defaulted({"readinessProbe": probe})["containers"][0]["readinessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 5,
        "successThreshold": 1,
        "failureThreshold": 3,
    }


def test_hook() -> None:
    hook = {"preStop": {"httpGet": {"port": 80}}}
    lifecycle = defaulted({"lifecycle": hook})["containers"][0]["lifecycle"]
    assert lifecycle["preStop"]["httpGet"] == {"port": 80, "path": "/", "scheme": "HTTP"}


def test_ports_and_variables() -> None:
    container = defaulted(
        {
            "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
            "env": [
                {"name": "A", "value": "b"},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
            ],
        }
    )["containers"][0]
    assert [port["protocol"] for port in container["ports"]] == ["TCP", "UDP"]
    assert container["env"][1]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert container["env"][2]["valueFrom"]["resourceFieldRef"]["divisor"] == "0"


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({}, {"emptyDir": {}}),
        ({"emptyDir": {}}, {"emptyDir": {}}),
        ({"secret": {"secretName": "s"}}, {"secret": {"secretName": "s", "defaultMode": 420}}),
        ({"secret": {"defaultMode": 0}}, {"secret": {"defaultMode": 0}}),
        ({"configMap": {"name": "c"}}, {"configMap": {"name": "c", "defaultMode": 420}}),
        ({"hostPath": {"path": "/"}}, {"hostPath": {"path": "/", "type": ""}}),
        (
            {"downwardAPI": {"items": [{"fieldRef": {"fieldPath": "metadata.name"}}]}},
            {
                "downwardAPI": {
                    "defaultMode": 420,
                    "items": [{"fieldRef": {"fieldPath": "metadata.name", "apiVersion": "v1"}}],
                }
            },
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
            {
                "projected": {
                    "defaultMode": 420,
                    "sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}],
                }
            },
        ),
        ({"image": {"reference": "a"}}, {"image": {"reference": "a", "pullPolicy": "Always"}}),
    ],
)
def test_volumes(volume: Object, expected: Object) -> None:
    assert defaulted(volumes=[{"name": "v", **volume}])["volumes"] == [{"name": "v", **expected}]


@pytest.mark.parametrize("field", ["serviceAccountName", "serviceAccount"])
def test_the_service_accounts_two_names(field: str) -> None:
    spec = defaulted(**{field: "robot"})
    assert (spec["serviceAccountName"], spec["serviceAccount"]) == ("robot", "robot")


def test_what_only_pods_get() -> None:
    spec = defaulted(
        {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}},
        initContainers=[{"name": "i", "resources": {"limits": {"cpu": "2"}}}],
    )
    defaults.default_pod_only(spec)
    assert spec["enableServiceLinks"] is True
    assert spec["containers"][0]["resources"]["requests"] == {"cpu": "500m", "memory": "1Gi"}
    assert spec["initContainers"][0]["resources"]["requests"] == {"cpu": "2"}
    assert "resizePolicy" not in spec["initContainers"][0]


def test_what_is_resized_needs_no_restart_unless_it_is_said() -> None:
    restart = {"resourceName": "memory", "restartPolicy": "RestartContainer"}
    both = {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi", "example.com/gpu": "1"}}
    side = {"name": "s", "restartPolicy": "Always", "resources": {"limits": {"cpu": "1"}}}
    spec = defaulted({"resources": both, "resizePolicy": [restart]}, initContainers=[side])
    defaults.default_pod_only(spec)
    no_restart = {"resourceName": "cpu", "restartPolicy": "NotRequired"}
    assert spec["containers"][0]["resizePolicy"] == [restart, no_restart]
    assert spec["initContainers"][0]["resizePolicy"] == [no_restart]


def test_on_the_nodes_network_ports_are_the_nodes() -> None:
    spec = defaulted({"ports": [{"containerPort": 80}]}, hostNetwork=True)
    defaults.default_pod_only(spec)
    assert spec["containers"][0]["ports"][0]["hostPort"] == 80
