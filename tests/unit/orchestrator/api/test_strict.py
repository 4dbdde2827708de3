from typing import Any

import pytest

from orchestrator.api import strict
from orchestrator.api.errors import BadRequest, Invalid
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.coordination import LEASE
from orchestrator.api.groups.core import CONFIG_MAP, POD, SECRET
from orchestrator.api.kinds import Kind


def pod(**container: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "a", **container}]}}


def test_a_good_object_has_no_problems() -> None:
    obj = pod(image="nginx", ports=[{"containerPort": 80}], env=[{"name": "A", "value": "1"}])
    assert strict.check(POD, obj) == strict.Problems([], [])
    assert strict.prune(POD, obj) == obj


UNKNOWN: list[tuple[Kind, Any, list[str]]] = [
    (DEPLOYMENT, {"spec": {"replica": 1}}, ["spec.replica"]),
    (POD, pod(img="x", ports=[{"containerPort": 80}, {"port": 80}]), ["spec.containers[0].img", "spec.containers[0].ports[1].port"]),  # noqa: E501
    (POD, {"metadata": {"labels": {"a.b/c": "d"}, "label": {}}}, ["metadata.label"]),
    (POD, {"foo": None}, ["foo"]),
    (CONFIG_MAP, {"data": {"anything": "goes"}}, []),
    (Kind("example.com", "v1", "Lamp", "lamps"), {"spec": {"any": "thing"}}, []),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "obj", "unknown"), UNKNOWN)
def test_unknown_fields(kind: Kind, obj: Any, unknown: list[str]) -> None:
    assert strict.check(kind, obj).unknown == unknown
    assert strict.check(kind, strict.prune(kind, obj)).unknown == []


WRONG: list[tuple[Kind, Any, str]] = [
    (DEPLOYMENT, {"spec": {"replicas": "3"}},
     "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
    (DEPLOYMENT, {"spec": {"replicas": 1.5}},
     "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"),
    (DEPLOYMENT, {"spec": {"replicas": 3000000000}},
     "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32"),
    (DEPLOYMENT, {"spec": {"replicas": True}},
     "json: cannot unmarshal bool into Go struct field DeploymentSpec.spec.replicas of type int32"),
    (DEPLOYMENT, {"spec": "x"},
     "json: cannot unmarshal string into Go struct field Deployment.spec of type v1.DeploymentSpec"),
    (POD, {"spec": {"containers": {}}},
     "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container"),
    (POD, pod(env=[{"name": "A", "value": 1}]),
     "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string"),
    (POD, pod(env=["A=1"]),
     "json: cannot unmarshal string into Go struct field Container.spec.containers.env of type v1.EnvVar"),
    (POD, {"metadata": {"labels": {"a": 1}}},
     "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"),
    (POD, {"metadata": {"labels": ["a"]}},
     "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string"),
    (POD, pod(tty="yes"),
     "json: cannot unmarshal string into Go struct field Container.spec.containers.tty of type bool"),
    (POD, pod(resources={"limits": {"cpu": "1 core"}}), "quantities must match the regular expression"),
    (POD, pod(resources={"limits": {"cpu": True}}), "quantities must match the regular expression"),
    (POD, {"metadata": {"creationTimestamp": "now"}}, 'parsing time "now"'),
    (POD, {"metadata": {"creationTimestamp": 5}}, "json: cannot unmarshal number into Go value of type string"),
    (SECRET, {"data": {"a": "aGk=", "b": "a_b"}}, "illegal base64 data at input byte 1"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "obj", "message"), WRONG)
def test_wrong_types(kind: Kind, obj: Any, message: str) -> None:
    (error,) = strict.check(kind, obj).errors
    assert error.startswith(message)


def test_all_problems_are_found_with_their_paths() -> None:
    obj = {"spec": {"containers": [{"env": [{"x": 1}, {"value": 1}], "y": 1}, {"z": 1}], "hostNetwork": 1, "w": 1}}
    problems = strict.check(POD, obj)
    assert [error.split()[-4] for error in problems.errors] == [
        "EnvVar.spec.containers.env.value",
        "PodSpec.spec.hostNetwork",
    ]
    assert problems.unknown == [
        "spec.containers[0].env[0].x",
        "spec.containers[0].y",
        "spec.containers[1].z",
        "spec.w",
    ]


CANONICAL: list[tuple[Kind, Any, Any]] = [
    (POD, {"spec": None, "metadata": {"name": "x", "creationTimestamp": None}}, {"metadata": {"name": "x"}}),
    (POD, pod(resources={"limits": {"cpu": 0.5, "memory": "1024Mi"}}),
     pod(resources={"limits": {"cpu": "500m", "memory": "1Gi"}})),
    (POD, {"metadata": {"creationTimestamp": "2020-01-01T01:00:00.5+01:00"}},
     {"metadata": {"creationTimestamp": "2020-01-01T00:00:00Z"}}),
    (LEASE, {"spec": {"renewTime": "2020-01-01T00:00:00Z"}}, {"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}),
    (CONFIG_MAP, {"data": {"a": None}}, {"data": {"a": ""}}),
    (POD, {"spec": {"containers": [None]}}, {"spec": {"containers": [{}]}}),
    (POD, pod(livenessProbe={"httpGet": {"port": "http"}}), pod(livenessProbe={"httpGet": {"port": "http"}})),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "obj", "expected"), CANONICAL)
def test_the_form_that_is_written_back(kind: Kind, obj: Any, expected: Any) -> None:
    assert strict.prune(kind, obj) == expected
    assert strict.prune(kind, expected) == expected


def test_unknown_and_duplicate_fields_are_refused_warned_of_or_ignored() -> None:
    obj = {"spec": {"replica": 1, "replicas": 2}}
    with pytest.raises(BadRequest) as caught:
        strict.accept(DEPLOYMENT, obj, "Strict", ["spec.replicas"])
    assert caught.value.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: '
        'duplicate field "spec.replicas", unknown field "spec.replica"'
    )
    kept = {"spec": {"replicas": 2}}
    warnings = ['duplicate field "spec.replicas"', 'unknown field "spec.replica"']
    assert strict.accept(DEPLOYMENT, obj, "Warn", ["spec.replicas"]) == (kept, warnings)
    assert strict.accept(DEPLOYMENT, obj, "Ignore", ["spec.replicas"]) == (kept, [])


def test_wrong_types_are_always_refused() -> None:
    with pytest.raises(BadRequest) as caught:
        strict.accept(DEPLOYMENT, {"spec": {"replicas": "3"}}, "Ignore")
    assert caught.value.message == (
        'Deployment in version "v1" cannot be handled as a Deployment: '
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
    )


def test_what_a_patch_made_is_refused_as_invalid() -> None:
    with pytest.raises(Invalid) as caught:
        strict.accept_patched(DEPLOYMENT, {"spec": {"x": 1}}, {"spec": {"x": 1}}, "Strict")
    assert caught.value.details["causes"][0]["field"] == "patch"
    assert 'strict decoding error: unknown field "spec.x"' in caught.value.message
