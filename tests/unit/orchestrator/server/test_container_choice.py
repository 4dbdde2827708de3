from __future__ import annotations

import pytest

from orchestrator.api.errors import BadRequest
from orchestrator.api.meta import Object
from orchestrator.server.container_choice import check_has_log, choose_container


def pod(*names: str, initial: tuple[str, ...] = (), node: str = "n1", **status: object) -> Object:
    spec = {"containers": [{"name": name} for name in names], "initContainers": [{"name": name} for name in initial]}
    return {"metadata": {"name": "web"}, "spec": {**spec, "nodeName": node}, "status": status}


def test_chooses() -> None:
    assert choose_container(pod("a"), "") == "a"
    assert choose_container(pod("a", "b"), "b") == "b"
    assert choose_container(pod("a", initial=("i",)), "i") == "i"


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ((pod("a", "b"), ""), "a container name must be specified for pod web, choose one of: [a b]"),
        (
            (pod("a", "b", initial=("i",)), ""),
            "a container name must be specified for pod web, choose one of: [a b] or one of the init containers: [i]",
        ),
        ((pod("a"), "x"), "container x is not valid for pod web"),
    ],
)
def test_does_not_guess(choice: tuple[Object, str], sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        choose_container(*choice)
    assert caught.value.message == sentence


RAN = {"terminated": {"exitCode": 1}}


def state(**fields: object) -> list[Object]:
    return [{"name": "a", **fields}]


@pytest.mark.parametrize(
    ("of", "previous"),
    [
        (pod("a", containerStatuses=state(state={"running": {}})), False),
        (pod("a", containerStatuses=state(state=RAN)), False),
        (pod("a", containerStatuses=state(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState=RAN)), False),
        (pod("a", containerStatuses=state(state={"running": {}}, lastState=RAN)), True),
        (pod("x", initial=("a",), initContainerStatuses=state(state={"running": {}})), False),
    ],
)
def test_has_a_log(of: Object, previous: bool) -> None:
    check_has_log(of, "a", previous=previous)


@pytest.mark.parametrize(
    ("of", "previous", "sentence"),
    [
        (pod("a", node=""), False, "pod web does not have a host assigned"),
        (pod("a"), False, 'container "a" in pod "web" is waiting to start: ContainerCreating'),
        (
            pod("a", containerStatuses=state(state={"waiting": {"reason": "PodInitializing"}})),
            False,
            'container "a" in pod "web" is waiting to start: PodInitializing',
        ),
        (
            pod("a", containerStatuses=state(state={"waiting": {"reason": "ImagePullBackOff"}})),
            False,
            'container "a" in pod "web" is waiting to start: trying and failing to pull image',
        ),
        (
            pod("a", containerStatuses=state(state={"running": {}})),
            True,
            'previous terminated container "a" in pod "web" not found',
        ),
    ],
)
def test_has_none_yet(of: Object, previous: bool, sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check_has_log(of, "a", previous=previous)
    assert caught.value.message == sentence
