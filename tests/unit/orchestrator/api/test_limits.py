from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.limits import ANNOTATION, claim_problems, fill_in, joined, pod_problems
from orchestrator.api.meta import Object


def limit_range(kind: str = "Container", **amounts: dict[str, str]) -> Object:
    return {"spec": {"limits": [{"type": kind, **amounts}]}}


def pod(requests: dict[str, str] | None = None, limits: dict[str, str] | None = None, **spec: Any) -> Object:
    container = {"name": "web", "resources": {"requests": requests or {}, "limits": limits or {}}}
    return {"metadata": {"name": "p"}, "spec": {"containers": [container], **spec}}


def claim(size: str) -> Object:
    return {"spec": {"resources": {"requests": {"storage": size}}}}


def test_what_a_container_leaves_out_is_filled_in() -> None:
    obj = pod({"cpu": "1"}, initContainers=[{"name": "init"}])
    fill_in(obj, limit_range(default={"cpu": "2", "memory": "1Gi"}, defaultRequest={"cpu": "100m", "memory": "1Gi"}))
    assert obj["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "1", "memory": "1Gi"},
        "limits": {"cpu": "2", "memory": "1Gi"},
    }
    assert obj["spec"]["initContainers"][0]["resources"]["requests"] == {"cpu": "100m", "memory": "1Gi"}
    assert obj["metadata"]["annotations"][ANNOTATION] == (
        "LimitRanger plugin set: memory request for container web; cpu, memory limit for container web; "
        "cpu, memory request for init container init; cpu, memory limit for init container init"
    )


def test_a_container_that_says_everything_stays_as_it_is() -> None:
    obj = pod({"cpu": "1"}, {"cpu": "1"})
    fill_in(obj, limit_range(default={"cpu": "2"}, defaultRequest={"cpu": "2"}))
    assert obj == pod({"cpu": "1"}, {"cpu": "1"})


CPU = {"cpu": "1"}
PROBLEMS = [
    (limit_range(min=CPU), pod(), "minimum cpu usage per Container is 1.  No request is specified"),
    (limit_range(min=CPU), pod({"cpu": "500m"}), "minimum cpu usage per Container is 1, but request is 500m"),
    (limit_range(min=CPU), pod(CPU, {"cpu": "500m"}), "minimum cpu usage per Container is 1, but limit is 500m"),
    (limit_range(max=CPU), pod(), "maximum cpu usage per Container is 1.  No limit is specified"),
    (limit_range(max=CPU), pod(CPU, {"cpu": "2"}), "maximum cpu usage per Container is 1, but limit is 2"),
    (limit_range(max=CPU), pod({"cpu": "2"}, CPU), "maximum cpu usage per Container is 1, but request is 2"),
    (
        limit_range(maxLimitRequestRatio={"cpu": "2"}),
        pod(CPU, {"cpu": "3"}),
        "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
    ),
    (
        limit_range(maxLimitRequestRatio={"cpu": "2"}),
        pod({}, CPU),
        "cpu max limit to request ratio per Container is 2, but no request is specified or request is 0",
    ),
    (
        limit_range(maxLimitRequestRatio={"cpu": "2"}),
        pod(CPU),
        "cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0",
    ),
    (
        limit_range("Pod", max={"memory": "1Gi"}),
        pod({}, {"memory": "1Gi"}, initContainers=[{"name": "i", "resources": {"limits": {"memory": "2Gi"}}}]),
        "maximum memory usage per Pod is 1Gi, but limit is 2Gi",
    ),
]


@pytest.mark.parametrize(("rules", "obj", "expected"), PROBLEMS)
def test_pods_out_of_bounds(rules: Object, obj: Object, expected: str) -> None:
    assert pod_problems(obj, rules) == [expected]


@pytest.mark.parametrize(
    ("rules", "obj"),
    [
        (limit_range(min=CPU, max={"cpu": "2"}), pod(CPU, {"cpu": "2"})),
        (limit_range("Pod", max=CPU), pod({"cpu": "500m"}, CPU)),
        (limit_range("PersistentVolumeClaim", min={"storage": "1Gi"}), pod()),
    ],
)
def test_pods_within_bounds(rules: Object, obj: Object) -> None:
    assert pod_problems(obj, rules) == []


def test_claims() -> None:
    rules = limit_range("PersistentVolumeClaim", min={"storage": "1Gi"}, max={"storage": "2Gi"})
    assert claim_problems(claim("1Gi"), rules) == []
    low, high = (
        "minimum storage usage per PersistentVolumeClaim is 1Gi",
        "maximum storage usage per PersistentVolumeClaim",
    )
    assert claim_problems(claim("500Mi"), rules) == [f"{low}, but request is 500Mi"]
    assert claim_problems(claim("3Gi"), rules) == [f"{high} is 2Gi, but request is 3Gi"]


def test_several_problems_are_told_at_once() -> None:
    assert joined(["a"]) == "a"
    assert joined(["a", "b"]) == "[a, b]"
