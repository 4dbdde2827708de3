"""The autoscaler at work on a whole API, with agents whose figures the tests say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from orchestrator.api.errors import ApiError, Forbidden
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.groups.apps import DEPLOYMENT, REPLICA_SET, STATEFUL_SET
from orchestrator.api.groups.autoscaling import HORIZONTAL_POD_AUTOSCALER as HPA
from orchestrator.api.groups.autoscaling import HORIZONTAL_POD_AUTOSCALER_V1 as HPA_V1
from orchestrator.api.groups.core import NODE, REPLICATION_CONTROLLER
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, condition, name, namespace, spec, status, uid
from orchestrator.api.request import Request
from orchestrator.api.times import rfc3339
from orchestrator.client.client import Transport, WatchStream
from orchestrator.controllers.base import Controller
from orchestrator.controllers.crd import CustomResourceDefinitionController
from orchestrator.controllers.deployment import DeploymentController
from orchestrator.controllers.hpa import HorizontalPodAutoscaling
from orchestrator.controllers.replicaset import ReplicaSetController, ReplicationManager
from orchestrator.controllers.statefulset import StatefulSetController
from tests.unit.orchestrator.controllers.world import World

_CONTROLLERS = (
    HorizontalPodAutoscaling,
    DeploymentController,
    ReplicaSetController,
    ReplicationManager,
    StatefulSetController,
)
#: Down at once.
_QUICK = {"scaleDown": {"stabilizationWindowSeconds": 0}}


class Burning(World):
    """Every running pod uses `cores`, as of now; `asked` counts how often the agents were asked."""

    def __init__(self, *more: type[Controller], **options: Any) -> None:
        self.cores: float | None = 0.0
        self.asked = 0
        super().__init__(*_CONTROLLERS, *more, summaries=self._summaries, **options)

    def _summaries(self, nodes: Sequence[Object]) -> Mapping[str, Object]:
        self.asked += 1
        return {name(node): {"pods": [self._figures(pod) for pod in self.pods()]} for node in nodes}

    def _figures(self, pod: Object) -> Object:
        rate = {} if self.cores is None else {"usageNanoCores": int(self.cores * 1e9), "windowSeconds": 15.0}
        cpu = {"time": rfc3339(self.clock.now()), **rate}
        about = {"name": name(pod), "namespace": namespace(pod), "uid": uid(pod)}
        return {"podRef": about, "containers": [{"name": "app", "cpu": cpu, "memory": {"workingSetBytes": 1 << 20}}]}

    def start(self) -> None:
        if not self.all(NODE):
            self.add_node("node-1")
        super().start()

    def run(self, replicas: int, kind: Kind = DEPLOYMENT, app: str = "web", **more: Any) -> None:
        """A workload whose pods request 100m, and are past their beginning."""
        resources = {"requests": {"cpu": "100m"}}
        pod = {"containers": [{"name": "app", "image": "nginx", "resources": resources}]}
        template = {"metadata": {"labels": {"app": app}}, "spec": pod}
        selector = {"app": app} if kind is REPLICATION_CONTROLLER else {"matchLabels": {"app": app}}
        about = {"metadata": {"name": app, "namespace": "default"}}
        self.client.create(
            kind, {**about, "spec": {"replicas": replicas, "selector": selector, "template": template} | more}
        )
        self.eventually(lambda: status(self.client.get(kind, app, "default")).get("readyReplicas", 0) == replicas)
        self.quiet()
        self.clock.advance(400)

    def autoscale(
        self, kind: str = "apps/v1 Deployment", *, least: int = 1, most: int = 10, app: str = "web", **spec: Any
    ) -> Object:
        version, _, word = kind.rpartition(" ")
        target = {"apiVersion": version, "kind": word, "name": app}
        resource = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
        wanted = {"minReplicas": least, "maxReplicas": most, "scaleTargetRef": target}
        metrics = {"metrics": [{"type": "Resource", "resource": resource}]}
        return self.client.create(
            HPA, {"metadata": {"name": app, "namespace": "default"}, "spec": wanted | metrics | spec}
        )

    @property
    def hpa(self) -> Object:
        return self.client.get(HPA, "web", "default")

    def reason(self, kind: str) -> str:
        return str((condition(self.hpa, kind) or {}).get("reason"))

    def replicas(self, kind: Kind = DEPLOYMENT) -> int:
        return int(spec(self.client.get(kind, "web", "default"))["replicas"])

    def look(self) -> None:
        """Let the next look at the autoscaler happen."""
        self.quiet()
        self.clock.advance(15)
        self.quiet()


def test_the_main_story() -> None:
    with Burning().running() as w:
        w.run(2)
        w.cores = 0.1
        w.autoscale(behavior=_QUICK)
        w.eventually(lambda: w.replicas() == 4)
        w.quiet()
        now = rfc3339(w.clock.now())
        assert (status(w.hpa)["currentReplicas"], status(w.hpa)["desiredReplicas"]) == (2, 4)
        assert status(w.hpa)["lastScaleTime"] == now
        current = {"averageUtilization": 100, "averageValue": "100m"}
        assert status(w.hpa)["currentMetrics"] == [
            {"type": "Resource", "resource": {"name": "cpu", "current": current}}
        ]
        assert w.reason("AbleToScale") == "SucceededRescale"
        assert w.reason("ScalingActive") == "ValidMetricFound"
        assert w.reason("ScalingLimited") == "DesiredWithinRange"
        metric = "cpu resource utilization (percentage of request)"
        assert w.events.messages("SuccessfulRescale") == [f"New size: 4; reason: {metric} above target"]
        w.eventually(lambda: len(w.pods()) == 4)
        w.cores = 0.0
        w.clock.advance(400)
        w.look()
        assert w.replicas() == 1
        assert w.events.messages("SuccessfulRescale")[-1] == "New size: 1; reason: All metrics below target"
        assert w.reason("ScalingLimited") == "TooFewReplicas"


@pytest.mark.parametrize(
    ("kind", "what", "more"),
    [
        (REPLICA_SET, "apps/v1 ReplicaSet", {}),
        (STATEFUL_SET, "apps/v1 StatefulSet", {"serviceName": "web"}),
        (REPLICATION_CONTROLLER, "v1 ReplicationController", {}),
    ],
)
def test_other_workloads(kind: Kind, what: str, more: dict[str, Any]) -> None:
    with Burning().running() as w:
        w.run(1, kind, **more)
        w.cores = 0.1
        w.autoscale(what)
        w.eventually(lambda: w.replicas(kind) == 2)


def test_a_custom_resource() -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    paths = {
        "specReplicasPath": ".spec.size",
        "statusReplicasPath": ".status.size",
        "labelSelectorPath": ".status.which",
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    version["subresources"] = {"status": {}, "scale": paths}
    names = {"plural": "farms", "singular": "farm", "kind": "Farm"}
    crd = {"group": "podlab.test", "names": names, "scope": "Namespaced", "versions": [version]}
    farms = Kind("podlab.test", "v1", "Farm", "farms")
    with Burning(CustomResourceDefinitionController).running() as w:
        w.run(1)
        w.client.create(CUSTOM_RESOURCE_DEFINITION, {"metadata": {"name": "farms.podlab.test"}, "spec": crd})
        about = {"apiVersion": "podlab.test/v1", "kind": "Farm", "metadata": {"name": "web", "namespace": "default"}}
        made = w.eventually(lambda: _created(lambda: w.client.create(farms, {**about, "spec": {"size": 1}})))
        w.client.update_status(farms, {**made, "status": {"size": 1, "which": "app=web"}})
        w.cores = 0.2
        w.autoscale("podlab.test/v1 Farm")
        w.eventually(lambda: spec(w.client.get(farms, "web", "default")) == {"size": 4})


def _created(create: Callable[[], Object]) -> Object | None:
    """None while the kind is not served yet."""
    try:
        return create()
    except ApiError:
        return None


def test_nothing_moves_while_what_is_used_is_about_right() -> None:
    with Burning().running() as w:
        w.run(3)
        w.cores = 0.052
        w.autoscale()
        w.eventually(lambda: w.reason("ScalingActive") == "ValidMetricFound")
        w.quiet()
        before = w.revision()
        for _ in range(3):
            w.look()
        assert (w.replicas(), w.revision()) == (3, before), "a look that finds nothing new writes nothing"


def test_outside_the_bounds_no_metric_is_asked() -> None:
    with Burning().running() as w:
        w.run(3)
        w.autoscale(most=2)
        w.eventually(lambda: w.replicas() == 2)
        assert w.asked == 0
        w.client.patch(HPA, "web", {"spec": {"minReplicas": 4, "maxReplicas": 6}}, "default")
        w.eventually(lambda: w.replicas() == 4)
        reasons = [message.partition("; reason: ")[2] for message in w.events.messages("SuccessfulRescale")]
        assert reasons == [f"Current number of replicas {which}" for which in _BOUNDS]


_BOUNDS = ("above Spec.MaxReplicas", "below Spec.MinReplicas")


def test_a_target_of_no_pods_is_left_alone() -> None:
    with Burning().running() as w:
        w.run(0)
        w.autoscale(least=2)
        w.eventually(lambda: w.reason("ScalingActive") == "ScalingDisabled")
        w.look()
        assert w.replicas() == 0


def test_it_shrinks_after_its_window_and_not_before() -> None:
    with Burning().running() as w:
        w.run(4)
        w.autoscale()
        w.eventually(lambda: w.reason("AbleToScale") == "ScaleDownStabilized")
        for _ in range(19):
            w.look()
        assert w.replicas() == 4
        for _ in range(2):
            w.look()
        assert w.replicas() == 1


def test_a_clock_set_forward_does_not_end_a_window() -> None:
    with Burning().running() as w:
        w.run(4)
        w.autoscale()
        w.eventually(lambda: w.reason("AbleToScale") == "ScaleDownStabilized")
        w.clock.set_by = 3600
        w.look()
        assert w.replicas() == 4
        w.clock.set_by = -3600
        for _ in range(21):
            w.look()
        assert w.replicas() == 1


def test_a_new_controller_waits_for_a_window_of_its_own() -> None:
    with Burning().running() as w:
        w.run(4)
        w.autoscale()
        w.eventually(lambda: w.reason("AbleToScale") == "ScaleDownStabilized")
        for _ in range(10):
            w.look()
        w.replace_controllers()
        w.quiet()
        for _ in range(15):
            w.look()
        assert w.replicas() == 4


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("apps/v1 Deployment", 'deployments.apps "web" not found'),
        ("apps/v1 DaemonSet", "the server could not find the requested resource"),
        ("Deployment", 'no matches for kind "Deployment" in group ""'),
        ("podlab.test/v1 Farm", 'no matches for kind "Farm" in group "podlab.test"'),
    ],
)
def test_a_target_without_a_scale(what: str, why: str) -> None:
    with Burning().running() as w:
        w.autoscale(what)
        w.eventually(lambda: w.reason("AbleToScale") == "FailedGetScale")
        (able,) = status(w.hpa)["conditions"]
        assert able["message"] == f"the HPA controller was unable to get the target's current scale: {why}"
        assert w.events.messages("FailedGetScale") == [why]


def test_a_target_that_comes_later_is_found() -> None:
    with Burning().running() as w:
        w.autoscale(least=2)
        w.eventually(lambda: w.reason("AbleToScale") == "FailedGetScale")
        w.run(1)
        w.look()
        assert w.replicas() == 2


def test_no_figures() -> None:
    with Burning().running() as w:
        w.run(1)
        w.cores = None
        w.autoscale()
        w.eventually(lambda: w.reason("ScalingActive") == "FailedGetResourceMetric")
        cause = "unable to get metrics for resource cpu: no metrics returned from resource metrics API"
        why = f"failed to get cpu utilization: {cause}"
        told = (condition(w.hpa, "ScalingActive") or {})["message"]
        assert told == f"the HPA was unable to compute the replica count: {why}"
        w.eventually(lambda: w.events.messages("FailedGetResourceMetric") == [why])
        (all_of_them,) = w.events.messages("FailedComputeMetricsReplicas")
        assert (
            all_of_them
            == f"invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: {why}"
        )
        w.cores = 0.1
        w.look()
        assert w.replicas() == 2


def test_a_metric_that_fails_beside_one_that_works() -> None:
    """Up it goes by the one that works; down it does not, as the other might not agree."""
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    hits = {"metric": {"name": "hits"}, "target": {"type": "AverageValue", "averageValue": "1"}}
    both = [{"type": "Pods", "pods": hits}, {"type": "Resource", "resource": cpu}]
    with Burning().running() as w:
        w.run(2)
        w.cores = 0.1
        w.autoscale(metrics=both, behavior=_QUICK)
        w.eventually(lambda: w.replicas() == 4)
        w.quiet()
        assert [metric["type"] for metric in status(w.hpa)["currentMetrics"]] == ["", "Resource"]
        w.cores = 0.0
        w.clock.advance(400)
        w.look()
        assert (w.replicas(), w.reason("ScalingActive")) == (4, "FailedGetPodsMetric")


def test_the_largest_metric_counts() -> None:
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}
    memory = {"name": "memory", "target": {"type": "AverageValue", "averageValue": "256Ki"}}
    with Burning().running() as w:
        w.run(2)
        w.cores = 0.1
        w.autoscale(metrics=[{"type": "Resource", "resource": each} for each in (cpu, memory)])
        w.eventually(lambda: w.events.messages("SuccessfulRescale"))
        assert w.events.messages("SuccessfulRescale") == ["New size: 4; reason: memory resource above target"]
        assert w.reason("ScalingLimited") == "ScaleUpLimit"


def test_two_autoscalers_of_the_same_pods() -> None:
    with Burning().running() as w:
        w.run(2)
        w.cores = 0.05
        first = w.autoscale()
        w.eventually(lambda: w.reason("ScalingActive") == "ValidMetricFound")
        again = {"metadata": {"name": "again", "namespace": "default"}, "spec": spec(first)}
        w.client.create(HPA, again)
        w.quiet()
        w.look()
        why = "pods by selector app=web are controlled by multiple HPAs: [default/web default/again]"
        assert w.reason("ScalingActive") == "AmbiguousSelector"
        assert why in w.events.messages("AmbiguousSelector")
        w.client.delete(HPA, "again", "default")
        w.look()
        assert w.reason("ScalingActive") == "ValidMetricFound"


def test_the_agents_are_asked_once_for_all() -> None:
    with Burning().running() as w:
        w.cores = 0.05
        for app in ("web", "other"):
            w.run(1, app=app)
            w.autoscale(app=app)
        w.look()
        w.asked = 0
        w.clock.advance(15)
        w.quiet()
        assert w.asked == 1


class _NoScaling:
    """Refuses to scale, as a webhook or a rule might."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner

    def call(self, request: Request) -> Object:
        if (request.verb, request.subresource) == ("update", "scale"):
            raise Forbidden("not today")
        return self._inner.call(request)

    def watch(self, request: Request) -> WatchStream:
        return self._inner.watch(request)


def test_a_target_that_cannot_be_written() -> None:
    with Burning(between=_NoScaling).running() as w:
        w.run(2)
        w.cores = 0.2
        w.autoscale()
        w.eventually(lambda: w.reason("AbleToScale") == "FailedUpdateScale")
        metric = "cpu resource utilization (percentage of request)"
        told = f"New size: 4; reason: {metric} above target; error: not today"
        assert w.events.messages("FailedRescale") == [told]
        assert (status(w.hpa)["desiredReplicas"], w.replicas()) == (0, 2)
        w.replace_controllers()
        w.eventually(lambda: w.replicas() == 4)


def test_what_is_gone_is_forgotten() -> None:
    with Burning().running() as w:
        w.run(1)
        w.autoscale()
        w.eventually(lambda: w.reason("ScalingActive") == "ValidMetricFound")
        (controller,) = [each for each in w.controllers if isinstance(each, HorizontalPodAutoscaling)]
        w.client.delete(HPA, "web", "default")
        w.eventually(lambda: not controller._histories and not controller._selectors)
        w.look()
        assert not controller.queue._due


@pytest.mark.parametrize(
    "note",
    [
        {"behavior": '{"scaleUp": {"selectPolicy": "Min"}}'},
        {"behavior": "{}"},
        {"metrics": '[{"type": 7}]'},
        {"metrics": "nonsense", "behavior": "nonsense"},
    ],
)
def test_what_an_older_version_leaves_out_is_filled_in(note: dict[str, str]) -> None:
    with Burning().running() as w:
        w.run(1)
        w.cores = 0.2
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        notes = {f"autoscaling.alpha.kubernetes.io/{what}": text for what, text in note.items()}
        about = {"name": "web", "namespace": "default", "annotations": notes}
        w.client.create(HPA_V1, {"metadata": about, "spec": {"maxReplicas": 9, "scaleTargetRef": target}})
        w.eventually(lambda: w.replicas() > 1)
        w.client.patch(HPA_V1, "web", {"metadata": {"annotations": notes}, "spec": {"maxReplicas": 10}}, "default")
        w.look()
        assert w.reason("ScalingActive") == "ValidMetricFound"
