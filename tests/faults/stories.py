"""What users do to each kind that controllers look after, and the end that every master has to come to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.api.custom.definition import client_kind, is_established
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.groups.apps import CONTROLLER_REVISION, DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET
from orchestrator.api.groups.batch import CRON_JOB, JOB
from orchestrator.api.groups.core import (
    CONFIG_MAP,
    ENDPOINTS,
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REPLICATION_CONTROLLER,
    RESOURCE_QUOTA,
    SERVICE,
    SERVICE_ACCOUNT,
)
from orchestrator.api.groups.policy import POD_DISRUPTION_BUDGET
from orchestrator.api.groups.rbac import CLUSTER_ROLE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import (
    Object,
    condition,
    finalizers,
    generation,
    is_deleting,
    name,
    owner_references,
    spec,
    status,
)
from orchestrator.api.pods import is_ready
from orchestrator.controllers.base import Controller
from orchestrator.controllers.clusterrole_aggregation import ClusterRoleAggregation
from orchestrator.controllers.crd import CustomResourceDefinitionController
from orchestrator.controllers.cronjob import CronJobController
from orchestrator.controllers.daemonset import DaemonSetController
from orchestrator.controllers.deployment import DeploymentController
from orchestrator.controllers.disruption import DisruptionController
from orchestrator.controllers.endpoints import EndpointsController
from orchestrator.controllers.endpointslice import EndpointSliceController
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.job import JobController
from orchestrator.controllers.job_orphans import JobPodReleaser
from orchestrator.controllers.loadbalancer import LoadBalancerController
from orchestrator.controllers.namespace import NamespaceController
from orchestrator.controllers.node import NodeController
from orchestrator.controllers.podgc import PodGarbageCollector
from orchestrator.controllers.replicaset import ReplicaSetController, ReplicationManager
from orchestrator.controllers.resourcequota import ResourceQuotaController
from orchestrator.controllers.serviceaccount import ServiceAccountController
from orchestrator.controllers.statefulset import StatefulSetController
from orchestrator.controllers.taint_eviction import TaintEvictionController
from orchestrator.controllers.ttl_after_finished import TTLAfterFinishedController
from tests.fakes.custom import NAME, crontab, definition
from tests.unit.orchestrator.controllers import objects
from tests.unit.orchestrator.controllers.test_clusterrole_aggregation import gathering, role
from tests.unit.orchestrator.controllers.test_disruption import create as create_budget
from tests.unit.orchestrator.controllers.test_endpoints import in_endpoints, in_slices, plain, slices
from tests.unit.orchestrator.controllers.test_job import job
from tests.unit.orchestrator.controllers.test_loadbalancer import address, balanced
from tests.unit.orchestrator.controllers.test_namespace import in_shop, names
from tests.unit.orchestrator.controllers.test_resourcequota import config_map, quota, used
from tests.unit.orchestrator.controllers.test_ttl_after_finished import finished_job
from tests.unit.orchestrator.controllers.world import World

Act = Callable[[World], Any]
Look = Callable[[World], bool]


@dataclass(frozen=True)
class Story:
    """What a user does, and when the controllers are done with it, step by step; `end` is what is there at last."""

    controllers: tuple[type[Controller], ...]
    steps: tuple[tuple[Act, Look], ...]
    end: Callable[[World], object]
    kubelet: bool = True


def images(w: World) -> Counter[str]:
    return Counter(str(spec(pod)["containers"][0]["image"]) for pod in w.pods())


def seen(obj: Object) -> bool:
    return int(status(obj).get("observedGeneration") or 0) == generation(obj)


def roll(kind: Kind, label: str) -> Act:
    return lambda w: w.client.patch(kind, label, {"spec": {"template": objects.template("nginx:2")}}, "default")


def recreate(w: World) -> None:
    strategy = {"type": "Recreate", "rollingUpdate": None}
    patch = {"spec": {"strategy": strategy, "template": objects.template("nginx:2")}}
    w.client.patch(DEPLOYMENT, "web", patch, "default")


def replication_controller(replicas: int) -> Object:
    spec = {"replicas": replicas, "template": objects.template()}
    return {"metadata": {"name": "web", "namespace": "default"}, "spec": spec}


def rolled(image: str, count: int) -> Look:
    def look(w: World) -> bool:
        found = w.client.get(DEPLOYMENT, "web", "default")
        fields = ("replicas", "updatedReplicas", "availableReplicas")
        done = {status(found).get(field, 0) for field in fields} == {count}
        return seen(found) and done and images(w) == {image: count}

    return look


def numbered(image: str, count: int) -> Look:
    def look(w: World) -> bool:
        found = w.client.get(STATEFUL_SET, "web", "default")
        done = status(found).get("currentRevision") == status(found).get("updateRevision")
        return seen(found) and done and status(found).get("availableReplicas") == count and images(w) == {image: count}

    return look


def on_every_node(image: str, count: int) -> Look:
    def look(w: World) -> bool:
        found = w.client.get(DAEMON_SET, "agent", "default")
        fields = ("updatedNumberScheduled", "numberAvailable", "desiredNumberScheduled")
        done = {status(found).get(field, 0) for field in fields} == {count}
        return seen(found) and done and images(w) == {image: count}

    return look


def with_nodes(w: World) -> None:
    for node in ("node-1", "node-2", "node-3"):
        w.add_node(node)
    w.create(DAEMON_SET, objects.daemon_set())


def pods_end(w: World) -> None:
    """Whatever runs succeeds, and time passes, as news of a Job's pods are gathered."""
    for pod in w.pods():
        if status(pod).get("phase") == "Running":
            w.client.update_status(POD, {**pod, "status": {**status(pod), "phase": "Succeeded"}})
    w.clock.advance(0.1)


def job_complete(w: World) -> bool:
    pods_end(w)
    return (condition(w.client.get(JOB, "work", "default"), "Complete") or {}).get("status") == "True"


def job_end(w: World) -> object:
    found = status(w.client.get(JOB, "work", "default"))
    counts = {field: found.get(field) for field in ("succeeded", "failed", "active", "completedIndexes")}
    return counts, len(w.pods()), [finalizers(pod) for pod in w.all(POD) if finalizers(pod)]


def node_falls_silent(w: World) -> None:
    for node in ("node-1", "node-2"):
        w.add_node(node)
    for number, node in enumerate(("node-1", "node-2")):
        toleration = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}
        tolerations = [toleration | {"tolerationSeconds": 3}]
        w.create(POD, objects.pod(f"p-{number}", node=node, tolerations=tolerations))


def node_is_lost(w: World) -> bool:
    w.advance(1, beating=("node-1",))
    stays, goes = (w.client.get(POD, pod, "default") for pod in ("p-0", "p-1"))
    return is_deleting(goes) and not is_ready(goes) and not is_deleting(stays)


def node_end(w: World) -> object:
    nodes = {
        name(node): {f"{taint['key']}:{taint['effect']}" for taint in spec(node).get("taints") or ()}
        for node in w.all(NODE)
    }
    return nodes, {name(pod): is_ready(pod) for pod in w.all(POD)}


def fill(w: World) -> None:
    w.client.create(NAMESPACE, {"metadata": {"name": "shop"}})
    w.create(REPLICA_SET, in_shop(objects.replica_set("web", 3)))
    w.client.create(CONFIG_MAP, config_map("settings", "shop"))


def two_pods_of_a_service(w: World) -> None:
    for pod, ip in (("a", "172.17.0.2"), ("b", "172.17.0.3")):
        w.create(POD, objects.pod(pod, ip=ip))
    w.create(SERVICE, plain(objects.service()))


def served(**pods: bool) -> Look:
    return lambda w: in_slices(w) == in_endpoints(w) == pods


def lose_pod(w: World) -> None:
    w.client.delete(POD, "a", "default", grace_seconds=0)


def owned(w: World) -> list[int]:
    return [len(owner_references(pod)) for pod in w.pods()]


def accounts(w: World) -> set[str]:
    return {account["metadata"]["namespace"] for account in w.client.list(SERVICE_ACCOUNT).items}


def make_crontab(w: World) -> None:
    kind = client_kind(w.client.get(CUSTOM_RESOURCE_DEFINITION, NAME))
    assert kind is not None
    w.client.create(kind, crontab())
    w.client.delete(CUSTOM_RESOURCE_DEFINITION, NAME)


def resources(w: World) -> list[str]:
    return [rule["resources"][0] for rule in w.client.get(CLUSTER_ROLE, "top").get("rules") or []]


def allowed(w: World) -> int:
    return int(status(w.client.get(POD_DISRUPTION_BUDGET, "web", "default")).get("disruptionsAllowed") or 0)


def delete(kind: Kind, label: str, propagation: str = "") -> Act:
    where = "default" if kind.namespaced else ""
    return lambda w: w.client.delete(kind, label, where, propagation=propagation)


def none_of(*kinds: Kind) -> Look:
    return lambda w: not any(w.all(kind) for kind in kinds)


CLAIM = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}

STORIES: dict[str, Story] = {
    "deployment": Story(
        (DeploymentController, ReplicaSetController),
        (
            (lambda w: w.create(DEPLOYMENT, objects.deployment(3)), rolled("nginx:1", 3)),
            (roll(DEPLOYMENT, "web"), rolled("nginx:2", 3)),
        ),
        lambda w: (images(w), sorted(rs["spec"]["replicas"] for rs in w.all(REPLICA_SET))),
    ),
    "recreate": Story(
        (DeploymentController, ReplicaSetController),
        (
            (lambda w: w.create(DEPLOYMENT, objects.deployment(2)), rolled("nginx:1", 2)),
            (recreate, rolled("nginx:2", 2)),
        ),
        lambda w: (images(w), sorted(rs["spec"]["replicas"] for rs in w.all(REPLICA_SET))),
    ),
    "deletion in the foreground": Story(
        (DeploymentController, ReplicaSetController, GarbageCollector),
        (
            (lambda w: w.create(DEPLOYMENT, objects.deployment(2)), rolled("nginx:1", 2)),
            (delete(DEPLOYMENT, "web", "Foreground"), none_of(DEPLOYMENT, REPLICA_SET, POD)),
        ),
        lambda w: None,
    ),
    "orphans": Story(
        (ReplicaSetController, GarbageCollector),
        (
            (lambda w: w.create(REPLICA_SET, objects.replica_set("web", 2)), lambda w: len(w.pods()) == 2),
            (delete(REPLICA_SET, "web", "Orphan"), none_of(REPLICA_SET)),
        ),
        owned,
    ),
    "replication controller": Story(
        (ReplicationManager,),
        (
            (
                lambda w: w.create(REPLICATION_CONTROLLER, replication_controller(3)),
                lambda w: len(w.pods()) == 3,
            ),
            (
                lambda w: w.client.patch(REPLICATION_CONTROLLER, "web", {"spec": {"replicas": 1}}, "default"),
                lambda w: len(w.pods()) == 1,
            ),
        ),
        lambda w: status(w.client.get(REPLICATION_CONTROLLER, "web", "default")).get("readyReplicas"),
    ),
    "stateful set": Story(
        (StatefulSetController,),
        (
            (
                lambda w: w.create(STATEFUL_SET, objects.stateful_set(2, volumeClaimTemplates=[CLAIM])),
                numbered("nginx:1", 2),
            ),
            (roll(STATEFUL_SET, "web"), numbered("nginx:2", 2)),
        ),
        lambda w: (
            sorted(map(name, w.pods())),
            sorted(map(name, w.all(PERSISTENT_VOLUME_CLAIM))),
            len(w.all(CONTROLLER_REVISION)),
        ),
    ),
    "daemon set": Story(
        (DaemonSetController,),
        ((with_nodes, on_every_node("nginx:1", 3)), (roll(DAEMON_SET, "agent"), on_every_node("nginx:2", 3))),
        lambda w: (sorted(str(spec(pod)["nodeName"]) for pod in w.pods()), len(w.all(CONTROLLER_REVISION))),
    ),
    "job": Story(
        (JobController, JobPodReleaser),
        ((lambda w: w.create(JOB, job(completions=3, parallelism=2, completionMode="Indexed")), job_complete),),
        job_end,
    ),
    "deleted job": Story(
        (JobController, JobPodReleaser, GarbageCollector),
        (
            (lambda w: w.create(JOB, job(completions=2, parallelism=2)), lambda w: len(w.pods()) == 2),
            (delete(JOB, "work", "Background"), none_of(JOB, POD)),
        ),
        lambda w: None,
    ),
    "cron job": Story(
        (CronJobController,),
        (
            (
                lambda w: (w.create(CRON_JOB, objects.cron_job()), w.quiet(), w.clock.advance(101)),
                lambda w: len(status(w.client.get(CRON_JOB, "tick", "default")).get("active") or ()) == 1,
            ),
        ),
        lambda w: sorted(map(name, w.all(JOB))),
    ),
    "time to live": Story(
        (TTLAfterFinishedController, GarbageCollector),
        ((lambda w: w.create(JOB, finished_job(ttlSecondsAfterFinished=0)), none_of(JOB)),),
        lambda w: None,
    ),
    "endpoints": Story(
        (EndpointsController, EndpointSliceController, GarbageCollector),
        (
            (two_pods_of_a_service, served(a=True, b=True)),
            (lose_pod, served(b=True)),
        ),
        lambda w: len(slices(w)),
        kubelet=False,
    ),
    "a service that goes": Story(
        (EndpointsController, EndpointSliceController, GarbageCollector),
        (
            (two_pods_of_a_service, served(a=True, b=True)),
            (delete(SERVICE, "web"), lambda w: not slices(w) and "web" not in map(name, w.all(ENDPOINTS))),
        ),
        lambda w: None,
        kubelet=False,
    ),
    "load balancer": Story(
        (LoadBalancerController,),
        ((lambda w: w.create(SERVICE, balanced()), lambda w: bool(address(w, "web"))),),
        lambda w: address(w, "web"),
    ),
    "namespace": Story(
        (NamespaceController, ReplicaSetController),
        ((fill, lambda w: len(w.pods("shop")) == 3), (delete(NAMESPACE, "shop"), lambda w: "shop" not in names(w))),
        lambda w: len(w.pods("shop")),
    ),
    "lost node": Story(
        (NodeController, TaintEvictionController), ((node_falls_silent, node_is_lost),), node_end, kubelet=False
    ),
    "pods of a node that never was": Story(
        (PodGarbageCollector,),
        (
            (
                lambda w: [w.create(POD, objects.pod(f"p-{number}", node="nowhere")) for number in range(3)],
                lambda w: w.advance(1) is None and not w.all(POD),
            ),
        ),
        lambda w: None,
        kubelet=False,
    ),
    "quota": Story(
        (ResourceQuotaController,),
        (
            (
                lambda w: (
                    w.client.create(CONFIG_MAP, config_map("a")),
                    w.client.create(RESOURCE_QUOTA, quota({"configmaps": "2"})),
                ),
                lambda w: used(w) == {"configmaps": "1"},
            ),
        ),
        used,
    ),
    "budget": Story(
        (DisruptionController, ReplicaSetController),
        (
            (lambda w: w.create(REPLICA_SET, objects.replica_set("web", 3)), lambda w: len(w.pods()) == 3),
            (
                lambda w: create_budget(w, minAvailable=2),
                lambda w: allowed(w) == 1,
            ),
        ),
        allowed,
    ),
    "custom resources": Story(
        (CustomResourceDefinitionController,),
        (
            (
                lambda w: w.create(CUSTOM_RESOURCE_DEFINITION, definition()),
                lambda w: is_established(w.client.get(CUSTOM_RESOURCE_DEFINITION, NAME)),
            ),
            (make_crontab, none_of(CUSTOM_RESOURCE_DEFINITION)),
        ),
        lambda w: None,
    ),
    "service accounts": Story(
        (ServiceAccountController,),
        ((lambda w: None, lambda w: accounts(w) == set(map(name, w.all(NAMESPACE)))),),
        accounts,
    ),
    "aggregated role": Story(
        (ClusterRoleAggregation,),
        (
            (
                lambda w: [
                    w.client.create(CLUSTER_ROLE, made)
                    for made in (gathering("top", "a"), role("one", "pods", a="yes"), role("two", "nodes", a="yes"))
                ],
                lambda w: sorted(resources(w)) == ["nodes", "pods"],
            ),
        ),
        resources,
    ),
}
