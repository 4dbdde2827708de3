from __future__ import annotations

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.groups.apps import REPLICA_SET
from orchestrator.api.groups.batch import JOB
from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE, POD, SERVICE
from orchestrator.api.meta import Object, condition, is_deleting, name, namespace
from orchestrator.controllers.namespace import NamespaceController
from orchestrator.controllers.replicaset import ReplicaSetController
from orchestrator.controllers.serviceaccount import ServiceAccountController
from tests.unit.orchestrator.controllers.objects import meta, replica_set, service
from tests.unit.orchestrator.controllers.world import World
from tests.unit.orchestrator.server.objects import job


def in_shop(obj: Object) -> Object:
    obj["metadata"]["namespace"] = "shop"
    return obj


def fill(w: World) -> None:
    w.client.create(NAMESPACE, {"metadata": {"name": "shop"}})
    w.create(REPLICA_SET, in_shop(replica_set("web", 3)))
    made = in_shop(service())
    del made["spec"]["clusterIP"]
    w.create(SERVICE, made)
    w.create(CONFIG_MAP, in_shop({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("settings")}))
    w.client.create(JOB, job(namespace="shop"))
    w.eventually(lambda: len(w.pods("shop")) == 3)


def names(w: World) -> set[str]:
    return {name(each) for each in w.all(NAMESPACE)}


def test_a_namespace_goes_with_everything_in_it() -> None:
    with World(NamespaceController, ReplicaSetController, ServiceAccountController).running() as w:
        fill(w)
        w.client.delete(NAMESPACE, "shop")
        w.eventually(lambda: "shop" not in names(w))
        left = [each for kind in BUILTIN if kind.stored and kind.namespaced for each in w.client.list(kind).items]
        assert "shop" not in {namespace(each) for each in left}
        assert {"default", "kube-system", "kube-public", "kube-node-lease"} <= names(w)


def test_pods_end_before_anything_else_goes() -> None:
    with World(NamespaceController, kubelet=False).running() as w:
        w.client.create(NAMESPACE, {"metadata": {"name": "shop"}})
        w.create(CONFIG_MAP, in_shop({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("settings")}))
        containers = [{"name": "app", "image": "nginx"}]
        spec = {"nodeName": "node-1", "containers": containers}
        w.client.create(POD, {"metadata": {"name": "p", "namespace": "shop"}, "spec": spec})
        w.client.delete(NAMESPACE, "shop")
        w.eventually(lambda: is_deleting(w.client.get(POD, "p", "shop")))
        remaining = w.eventually(lambda: condition(w.client.get(NAMESPACE, "shop"), "NamespaceContentRemaining"))
        assert remaining["message"] == "Some resources are remaining: pods has 1 resource instances"
        assert w.client.get(CONFIG_MAP, "settings", "shop")
        w.client.delete(POD, "p", "shop", grace_seconds=0)
        w.eventually(lambda: "shop" not in names(w))


def test_what_a_finalizer_holds_is_named_and_waited_for() -> None:
    with World(NamespaceController).running() as w:
        w.client.create(NAMESPACE, {"metadata": {"name": "shop"}})
        held = in_shop(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("held", finalizers=["example.com/x"])}
        )
        w.create(CONFIG_MAP, held)
        w.client.delete(NAMESPACE, "shop")
        why = w.eventually(lambda: condition(w.client.get(NAMESPACE, "shop"), "NamespaceFinalizersRemaining"))
        assert (why["status"], "example.com/x in 1" in why["message"]) == ("True", True)
        w.change(CONFIG_MAP, "held", lambda obj: obj["metadata"].update(finalizers=[]), "shop")
        w.eventually(lambda: "shop" not in names(w))
