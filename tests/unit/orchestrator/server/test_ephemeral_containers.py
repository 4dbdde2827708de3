from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.errors import Conflict, Invalid, NotFound
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object
from orchestrator.api.request import APPLY_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Request
from orchestrator.client.client import Client
from orchestrator.server.resources import Resources
from orchestrator.server.results import Single
from tests.fakes.api import ADMIN

from .objects import pod

SUB = "ephemeralcontainers"


@pytest.fixture
def web(client: Client) -> Object:
    return client.create(POD, pod())


def debugger(name: str = "debug", **fields: Any) -> Object:
    return {"name": name, "image": "busybox:1", **fields}


def patch(client: Client, *containers: Object, content_type: str = STRATEGIC_PATCH, **spec: Any) -> Object:
    body = {"spec": {"ephemeralContainers": list(containers), **spec}}
    return client.patch(POD, "web", body, "default", subresource=SUB, content_type=content_type)


def names(found: Object) -> list[str]:
    """Sorted: a strategic merge puts new entries first."""
    return sorted(container["name"] for container in found["spec"]["ephemeralContainers"])


def test_they_are_added_with_defaults_and_nothing_else_changes(client: Client, web: Object) -> None:
    made = patch(client, debugger(targetContainerName="main", stdin=True), hostname="other")
    (added,) = made["spec"]["ephemeralContainers"]
    assert (added["targetContainerName"], added["imagePullPolicy"]) == ("main", "IfNotPresent")
    assert added["terminationMessagePath"] == "/dev/termination-log"
    assert "hostname" not in made["spec"]
    assert made["spec"]["containers"] == web["spec"]["containers"]
    assert names(patch(client, debugger("second"))) == ["debug", "second"]
    assert names(client.get(POD, "web", "default", subresource=SUB)) == ["debug", "second"]


def test_put(client: Client, web: Object) -> None:
    web["spec"]["ephemeralContainers"] = [debugger()]
    web["metadata"]["labels"] = {"not": "here"}
    made = client.update(POD, web, subresource=SUB)
    assert names(made) == ["debug"]
    assert "labels" not in made["metadata"]
    with pytest.raises(Conflict):
        client.update(POD, web, subresource=SUB)


def test_apply(resources: Resources, client: Client, web: Object) -> None:
    body = {"apiVersion": "v1", "kind": "Pod", "spec": {"ephemeralContainers": [debugger()]}}
    options = {"fieldManager": "me"}
    request = Request("patch", POD, "default", "web", SUB, options, body, APPLY_PATCH)
    made = resources.handle(request, ADMIN)
    assert isinstance(made, Single)
    assert names(made.object()) == ["debug"]
    (entry,) = [e for e in made.object()["metadata"]["managedFields"] if e["manager"] == "me"]
    assert (entry["operation"], entry["subresource"]) == ("Apply", SUB)


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (debugger("main"), r'spec\.ephemeralContainers\[0\]\.name: Duplicate value: "main"'),
        (debugger(targetContainerName="none"), r'ephemeralContainers\[0\]\.targetContainerName: Not found: "none"'),
        (debugger(ports=[{"containerPort": 80}]), r"\.ports: Forbidden: cannot be set for an Ephemeral Container"),
        (debugger(livenessProbe={"exec": {"command": ["a"]}}), r"\.livenessProbe: Forbidden: cannot be set"),
        (debugger(lifecycle={"preStop": {"exec": {"command": ["a"]}}}), r"\.lifecycle: Forbidden: cannot be set"),
        (debugger(resources={"limits": {"cpu": "1"}}), r"\.resources: Forbidden: cannot be set"),
        (debugger(image=""), r"\.image: Required value"),
        (debugger("No"), r'\.name: Invalid value: "No"'),
        (
            debugger(volumeMounts=[{"name": "data", "mountPath": "/data", "subPath": "a"}]),
            r"volumeMounts\[0\]\.subPath: Forbidden: cannot be set for an Ephemeral Container",
        ),
    ],
)
def test_refused(client: Client, bad: Object, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        patch(client, bad)
    assert "ephemeralContainers" not in client.get(POD, "web", "default")["spec"]


@pytest.mark.usefixtures("web")
def test_those_that_there_are_stay_as_they_are(client: Client) -> None:
    patch(client, debugger())
    with pytest.raises(Invalid, match='existing ephemeral containers "debug" may not be removed'):
        patch(client, content_type=MERGE_PATCH)
    with pytest.raises(Invalid, match='existing ephemeral containers "debug" may not be changed'):
        patch(client, debugger(image="other"))


@pytest.mark.usefixtures("web")
def test_unknown_fields_and_pods(resources: Resources, client: Client) -> None:
    body = {"spec": {"ephemeralContainers": [debugger(tyop=1)]}}
    options = {"fieldValidation": "Strict"}
    with pytest.raises(Invalid, match="unknown field"):
        resources.handle(Request("patch", POD, "default", "web", SUB, options, body, STRATEGIC_PATCH), ADMIN)
    with pytest.raises(NotFound, match='pods "none" not found'):
        client.patch(POD, "none", body, "default", subresource=SUB)


@pytest.mark.usefixtures("web")
def test_the_pod_itself_does_not_take_them(client: Client) -> None:
    with pytest.raises(Invalid, match="pod updates may not change fields"):
        client.patch(POD, "web", {"spec": {"ephemeralContainers": [debugger()]}}, "default")
