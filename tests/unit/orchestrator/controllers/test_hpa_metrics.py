"""What an autoscaler's metrics ask for, by tables. NOW is when everything is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.meta import Object, name
from orchestrator.api.times import rfc3339
from orchestrator.controllers.hpa_metrics import Failure, Proposal, Sight, propose
from orchestrator.controllers.hpa_replicas import Tolerance
from tests.unit.orchestrator.controllers.objects import NOW, condition, pod

TENTH = Tolerance(0.1, 0.1)
CPU_50 = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}


def worker(
    number: int,
    *,
    phase: str = "Running",
    ready: str = "True",
    started: float = 600,
    changed: float = 500,
    **fields: Any,
) -> Object:
    """A pod that requests 100m in each of two containers. `started` and `changed` (of readiness) are seconds ago."""
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    containers = [{"name": each, "image": "i", "resources": resources} for each in ("app", "side")]
    made = pod(f"w{number}", containers=containers, **fields)
    conditions = [condition("Ready", ready, since=changed)]
    made["status"] = {"phase": phase, "startTime": rfc3339(NOW - started), "conditions": conditions}
    return made


def measured(one: Object, app: str, side: str = "0", *, at: float = 10, memory: str = "32Mi") -> Object:
    """PodMetrics of a 15 s window that ended `at` seconds ago."""
    usages = [{"name": each, "usage": {"cpu": cpu, "memory": memory}} for each, cpu in (("app", app), ("side", side))]
    where = {"name": name(one), "namespace": "default"}
    return {"metadata": where, "timestamp": rfc3339(NOW - at), "window": "15s", "containers": usages}


def sight(pods: list[Object], *metrics: Object, replicas: int = 0, blind: str = "") -> Sight:
    return Sight("default", replicas or len(pods), pods, {name(each): each for each in metrics}, blind, NOW)


def proposed(source: Object, seen: Sight, tolerance: Tolerance = TENTH) -> Proposal:
    found = propose({"type": "Resource", "resource": source}, seen, tolerance)
    assert isinstance(found, Proposal), found
    return found


def refused(metric: Object, seen: Sight) -> Failure:
    found = propose(metric, seen, TENTH)
    assert isinstance(found, Failure), found
    return found


def utilization(percent: int) -> Object:
    return {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}


@pytest.mark.parametrize(
    ("uses", "aimed", "replicas", "shown"),
    [
        (["200m", "200m"], 50, 4, 100),
        (["100m", "100m"], 50, 2, 50),
        (["110m", "110m"], 50, 2, 55),  # just within a tenth
        (["112m", "112m"], 50, 3, 56),
        (["90m", "90m"], 50, 2, 45),
        (["80m", "80m"], 50, 2, 40),  # rounded up
        (["40m", "40m"], 50, 1, 20),
        (["0", "0"], 50, 0, 0),
        (["10m", "250m", "100m"], 50, 4, 60),  # the sum counts, not each
        (["1"], 30, 17, 500),
    ],
)
def test_utilization(uses: list[str], aimed: int, replicas: int, shown: int) -> None:
    pods = [worker(number) for number in range(len(uses))]
    found = proposed(utilization(aimed), sight(pods, *map(measured, pods, uses)))
    assert (found.replicas, found.status["resource"]["current"]["averageUtilization"]) == (replicas, shown)
    assert found.metric == "cpu resource utilization (percentage of request)"


@pytest.mark.parametrize(("tolerance", "replicas"), [(Tolerance(0.1, 0.3), 4), (Tolerance(0.1, 0.1), 5)])
def test_a_tolerance_of_its_own(tolerance: Tolerance, replicas: int) -> None:
    pods = [worker(number) for number in range(4)]
    seen = sight(pods, *(measured(each, "120m") for each in pods))
    assert proposed(CPU_50, seen, tolerance).replicas == replicas


@pytest.mark.parametrize(
    ("memory", "aimed", "replicas"), [("32Mi", "64Mi", 2), ("64Mi", "32Mi", 8), ("32Mi", "60Mi", 2)]
)
def test_average_value(memory: str, aimed: str, replicas: int) -> None:
    pods = [worker(number) for number in range(2)]
    source = {"name": "memory", "target": {"type": "AverageValue", "averageValue": aimed}}
    found = proposed(source, sight(pods, *(measured(each, "0", memory=memory) for each in pods)))
    assert (found.replicas, found.metric) == (replicas, "memory resource")
    assert found.status["resource"]["current"] == {"averageValue": str(2 * int(memory[:2]) << 20)}


def test_of_one_container() -> None:
    pods = [worker(number) for number in range(2)]
    seen = sight(pods, *(measured(each, "100m", "900m") for each in pods))
    found = propose({"type": "ContainerResource", "containerResource": {**CPU_50, "container": "app"}}, seen, TENTH)
    assert isinstance(found, Proposal)
    assert (found.replicas, found.metric) == (4, "cpu container resource utilization (percentage of request)")
    current = {"averageUtilization": 100, "averageValue": "100m"}
    about = {"container": "app", "name": "cpu", "current": current}
    assert found.status == {"type": "ContainerResource", "containerResource": about}


@pytest.mark.parametrize(
    ("use", "others", "replicas"),
    [
        # Pods without figures are taken at their whole request when scaling down, and as idle when scaling up.
        ("20m", [worker(8)], 3),
        ("300m", [worker(8)], 6),
        ("120m", [worker(8)], 3),  # 60 % of two would be more, 40 % of three is less: nothing
        # Pods that start count as idle when scaling up, and not at all when scaling down.
        ("120m", [worker(8, phase="Pending")], 3),
        ("20m", [worker(8, phase="Pending")], 1),
        # Ended and ending ones never count.
        ("300m", [worker(8, phase="Failed"), worker(9, deleting=True)], 6),
    ],
)
def test_what_is_not_known_holds_back(use: str, others: list[Object], replicas: int) -> None:
    known = [worker(number) for number in range(2)]
    seen = sight([*known, *others], *(measured(each, use) for each in known), replicas=len(known) + len(others))
    assert proposed(CPU_50, seen).replicas == replicas


@pytest.mark.parametrize(
    ("young", "counts"),
    [
        (worker(5), True),
        (worker(5, ready="False"), True),  # was ready once, and works still
        (worker(5, ready="False", started=520), False),  # has never been ready
        (worker(5, ready="False", started=200, changed=100), False),
        (worker(5, started=200, changed=100), True),
        (worker(5, started=200, changed=20), False),  # its figures are of the time before it was ready, too
        (worker(5, started=200, changed=26), True),
    ],
)
def test_a_pod_that_starts(young: Object, counts: bool) -> None:
    """Beside one that uses twice what it should."""
    old = worker(1)
    found = proposed(CPU_50, sight([old, young], measured(old, "200m"), measured(young, "200m")))
    assert found.replicas == (4 if counts else 2)


def test_memory_counts_from_the_start() -> None:
    young = worker(1, ready="False", started=20, changed=20)
    source = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 25}}
    assert proposed(source, sight([young], measured(young, "0"))).replicas == 2


_NO_METRICS = "no metrics returned from resource metrics API"
_UNREQUESTED = worker(1)
_UNREQUESTED["spec"]["containers"][1]["resources"] = {}


@pytest.mark.parametrize(
    ("seen", "cause"),
    [
        (sight([]), f"unable to get metrics for resource cpu: {_NO_METRICS}"),
        (sight([worker(1)]), f"unable to get metrics for resource cpu: {_NO_METRICS}"),
        (
            sight([worker(1)], blind="no answer"),
            "unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: no answer",
        ),
        (
            sight([worker(1, phase="Pending")], measured(worker(1), "1")),
            "did not receive metrics for targeted pods (pods might be unready)",
        ),
        (sight([_UNREQUESTED], measured(_UNREQUESTED, "1")), "missing request for cpu in container side of Pod w1"),
    ],
)
def test_no_figures(seen: Sight, cause: str) -> None:
    found = refused({"type": "Resource", "resource": CPU_50}, seen)
    assert (found.reason, found.cause) == ("FailedGetResourceMetric", f"failed to get cpu utilization: {cause}")
    assert found.summary == f"failed to get cpu resource metric value: {found.cause}"


def test_a_container_that_is_not_there() -> None:
    one = worker(1)
    source = {**CPU_50, "container": "none"}
    found = refused({"type": "ContainerResource", "containerResource": source}, sight([one], measured(one, "1")))
    assert found.reason == "FailedGetContainerResourceMetric"
    assert found.cause == (
        "failed to get cpu utilization: unable to get metrics for resource cpu: failed to get container metrics: "
        "container none not present in metrics for default/w1"
    )
    assert found.summary.startswith("failed to get none container metric value: failed to get cpu")


@pytest.mark.parametrize(
    ("metric", "reason", "cause"),
    [
        (
            {"type": "Pods", "pods": {"metric": {"name": "hits"}}},
            "FailedGetPodsMetric",
            "unable to get metric hits: unable to fetch metrics from custom metrics API: "
            "no custom metrics API (custom.metrics.k8s.io) registered",
        ),
        (
            {
                "type": "Object",
                "object": {"metric": {"name": "hits"}, "describedObject": {"kind": "Ingress", "name": "i"}},
            },
            "FailedGetObjectMetric",
            "unable to get metric hits: Ingress on default i/unable to fetch metrics from custom metrics API: "
            "no custom metrics API (custom.metrics.k8s.io) registered",
        ),
        (
            {"type": "External", "external": {"metric": {"name": "queue", "selector": {"matchLabels": {"a": "b"}}}}},
            "FailedGetExternalMetric",
            "unable to get external metric default/queue/a=b: unable to fetch metrics from external metrics API: the "
            "server could not find the requested resource (get queue.external.metrics.k8s.io)",
        ),
    ],
)
def test_metrics_that_nobody_serves(metric: Object, reason: str, cause: str) -> None:
    found = refused(metric, sight([worker(1)]))
    assert (found.reason, found.cause) == (reason, cause)
    assert found.summary.endswith(cause)
