"""Several versions of one stored kind: everything that one version writes, the others see in their own form."""

from __future__ import annotations

import pytest

from orchestrator.api.errors import Invalid
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION as CRD
from orchestrator.api.groups.autoscaling import HORIZONTAL_POD_AUTOSCALER as HPA
from orchestrator.api.groups.autoscaling import HORIZONTAL_POD_AUTOSCALER_V1 as HPA_V1
from orchestrator.api.groups.core import EVENT
from orchestrator.api.groups.events import NEW_EVENT
from orchestrator.api.meta import Object, condition, name
from orchestrator.api.request import APPLY_PATCH, Request
from orchestrator.client.client import Client
from tests.fakes.api import local_api
from tests.fakes.custom import NAME, definition


@pytest.fixture
def client() -> Client:
    return local_api()[1]


def autoscaler(version: str, **spec: object) -> Object:
    return {
        "apiVersion": f"autoscaling/{version}",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "web"}, **spec},
    }


def event(**fields: object) -> Object:
    return {
        "metadata": {"name": "e", "namespace": "default"},
        "regarding": {"kind": "Pod", "name": "web", "namespace": "default"},
        "reason": "Started",
        "note": "it runs",
        "type": "Normal",
        "action": "Start",
        "eventTime": "2026-01-31T10:00:00.000001Z",
        "reportingController": "example.com/c",
        "reportingInstance": "c-1",
        **fields,
    }


def test_written_in_one_and_read_in_the_other(client: Client) -> None:
    made = client.create(HPA_V1, autoscaler("v1", targetCPUUtilizationPercentage=50))
    assert (made["apiVersion"], made["spec"]["minReplicas"]) == ("autoscaling/v1", 1)
    seen = client.get(HPA, "web", "default")
    assert seen["apiVersion"] == "autoscaling/v2"
    assert seen["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    patched = client.patch(HPA_V1, "web", {"spec": {"targetCPUUtilizationPercentage": 60}}, "default")
    assert patched["spec"]["targetCPUUtilizationPercentage"] == 60
    assert client.list(HPA).items[0]["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 60
    client.delete(HPA_V1, "web", "default")
    assert client.list(HPA).items == []


def test_one_watch_sees_what_the_other_version_writes(client: Client) -> None:
    since = client.list(HPA_V1).resource_version
    client.create(HPA, autoscaler("v2"))
    stream = client.watch(HPA_V1, resourceVersion=since)
    seen = next(iter(stream))
    stream.close()
    assert seen.object["apiVersion"] == "autoscaling/v1"
    assert seen.object["spec"]["targetCPUUtilizationPercentage"] == 80


def test_the_rules_are_those_of_the_stored_version(client: Client) -> None:
    with pytest.raises(Invalid, match="must be greater than or equal to `minReplicas`"):
        client.create(HPA_V1, autoscaler("v1", minReplicas=4))


def test_an_apply_in_the_older_version(client: Client) -> None:
    wanted = autoscaler("v1", targetCPUUtilizationPercentage=50)
    local_patch(client, wanted)
    wanted["spec"]["targetCPUUtilizationPercentage"] = 70
    local_patch(client, wanted)
    assert client.get(HPA, "web", "default")["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70


def local_patch(client: Client, wanted: Object) -> Object:
    return client._transport.call(
        Request(
            "patch",
            HPA_V1,
            "default",
            name(wanted),
            options={"fieldManager": "me"},
            body=wanted,
            content_type=APPLY_PATCH,
        )
    )


def test_events_are_the_same_in_both_groups(client: Client) -> None:
    client.create(NEW_EVENT, event())
    core = client.get(EVENT, "e", "default")
    assert core["involvedObject"]["name"] == "web"
    assert core["message"] == "it runs"
    assert "note" not in core
    chosen = client.list(NEW_EVENT, fieldSelector="regarding.name=web,reportingController=example.com/c").items
    assert [each["note"] for each in chosen] == ["it runs"]
    assert client.list(NEW_EVENT, fieldSelector="regarding.name=other").items == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"eventTime": None}, "eventTime: Required value"),
        ({"type": "Odd"}, "type: Invalid value"),
        ({"deprecatedCount": 2}, "count: Invalid value: 2: needs to be unset"),
        ({"regarding": {"namespace": "other"}}, "involvedObject.namespace: Invalid value"),
        ({"reportingController": ""}, "reportingController: Required value"),
        ({"reportingInstance": ""}, "reportingInstance: Required value"),
        ({"action": ""}, "action: Required value"),
        ({"reason": "x" * 129}, "can have at most 128 characters"),
        ({"note": "x" * 1025}, "can have at most 1024 characters"),
    ],
)
def test_new_events_have_stricter_rules(client: Client, fields: Object, problem: str) -> None:
    with pytest.raises(Invalid, match=problem):
        client.create(NEW_EVENT, event(**fields))


def test_a_definition_that_nobody_established_serves_nothing(client: Client) -> None:
    client.create(CRD, definition())
    assert condition(client.get(CRD, NAME), "Established") is None
