from __future__ import annotations

from orchestrator.api.groups.apps import DEPLOYMENT, REPLICA_SET
from orchestrator.api.groups.core import CONFIG_MAP, NODE, POD
from orchestrator.api.meta import Object, is_deleting, name, owner_reference, owner_references
from orchestrator.controllers.deployment import DeploymentController
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.replicaset import ReplicaSetController
from tests.unit.orchestrator.controllers.objects import deployment, meta, replica_set
from tests.unit.orchestrator.controllers.world import World


def config_map(label: str, *owners: Object, namespace: str = "default", blocking: bool = True) -> Object:
    references = [owner_reference(owner, controller=False) | {"blockOwnerDeletion": blocking} for owner in owners]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta(label, namespace, ownerReferences=references),
    }


def config_maps(w: World) -> set[str]:
    return {name(each) for each in w.all(CONFIG_MAP)}


def test_a_deployment_takes_everything_with_it() -> None:
    with World(GarbageCollector, DeploymentController, ReplicaSetController).running() as w:
        w.create(DEPLOYMENT, deployment(3))
        w.eventually(lambda: len(w.pods()) == 3)
        w.client.delete(DEPLOYMENT, "web", "default", propagation="Background")
        w.eventually(lambda: not w.all(POD) and not w.all(REPLICA_SET))


def test_foreground_the_owner_goes_last() -> None:
    with World(GarbageCollector, ReplicaSetController).running() as w:
        w.create(REPLICA_SET, replica_set("web", 2))
        w.eventually(lambda: len(w.pods()) == 2)
        order: list[str] = []
        for kind in (POD, REPLICA_SET):
            w.informers.of(kind).add_handler(
                lambda old, new: order.append((old or {})["kind"]) if new is None else None,
            )
        w.client.delete(REPLICA_SET, "web", "default", propagation="Foreground")
        w.eventually(lambda: not w.all(REPLICA_SET))
        w.quiet()
        assert order == ["Pod", "Pod", "ReplicaSet"]


def test_orphans_stay() -> None:
    with World(GarbageCollector, ReplicaSetController).running() as w:
        w.create(REPLICA_SET, replica_set("web", 2))
        w.eventually(lambda: len(w.pods()) == 2)
        w.quiet()
        w.client.delete(REPLICA_SET, "web", "default", propagation="Orphan")
        w.eventually(lambda: not w.all(REPLICA_SET))
        w.quiet()
        assert [owner_references(pod) for pod in w.pods()] == [[], []]


def test_one_live_owner_is_enough() -> None:
    with World(GarbageCollector).running() as w:
        one, two = (w.create(CONFIG_MAP, config_map(label)) for label in ("one", "two"))
        w.create(CONFIG_MAP, config_map("shared", one, two))
        w.client.delete(CONFIG_MAP, "one", "default")
        w.eventually(lambda: len(owner_references(w.client.get(CONFIG_MAP, "shared", "default"))) == 1)
        w.client.delete(CONFIG_MAP, "two", "default")
        w.eventually(lambda: config_maps(w) == set())


def test_dependents_of_an_owner_that_went_before_the_collector_came() -> None:
    w = World(GarbageCollector)
    one = w.create(CONFIG_MAP, config_map("one"))
    w.create(CONFIG_MAP, config_map("left", one))
    w.client.delete(CONFIG_MAP, "one", "default")
    # A new object of the same name is not the owner.
    w.create(CONFIG_MAP, config_map("one"))
    with w.running():
        w.eventually(lambda: config_maps(w) == {"one"})


def test_an_owner_that_never_existed_is_gone() -> None:
    ghost = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ghost", "uid": "never-was"}}
    impostor = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "uid": "another-one"}}
    with World(GarbageCollector).running() as w:
        w.create(CONFIG_MAP, config_map("one"))
        w.create(CONFIG_MAP, config_map("of-ghost", ghost))
        w.create(CONFIG_MAP, config_map("of-namesake", impostor))
        w.eventually(lambda: config_maps(w) == {"one"})


def test_owners_in_another_namespace_do_not_exist() -> None:
    with World(GarbageCollector).running() as w:
        elsewhere = w.create(CONFIG_MAP, config_map("one", namespace="kube-public"))
        w.eventually(lambda: w.informers.of(CONFIG_MAP).cache.list("kube-public"))
        w.create(CONFIG_MAP, config_map("lost", elsewhere))
        w.eventually(lambda: config_maps(w) == set())
        (message,) = w.events.messages("OwnerRefInvalidNamespace")
        assert message.endswith('does not exist in namespace "default"')


def test_cluster_scoped_owners_are_owners() -> None:
    with World(GarbageCollector).running() as w:
        w.add_node("node-1")
        node = w.client.get(NODE, "node-1")
        w.create(CONFIG_MAP, config_map("of-node", node))
        w.quiet()
        assert config_maps(w) == {"of-node"}
        w.client.delete(NODE, "node-1")
        w.eventually(lambda: config_maps(w) == set())


def test_owners_that_nobody_can_vouch_for_are_left_alone() -> None:
    with World(GarbageCollector).running() as w:
        alien = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t", "uid": "t-uid"}}
        w.create(CONFIG_MAP, config_map("of-alien", alien))
        space = w.create(CONFIG_MAP, config_map("one"))
        node = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": "n", "ownerReferences": [owner_reference(space)]},
        }
        w.client.create(NODE, node)
        w.client.delete(CONFIG_MAP, "one", "default")
        w.quiet()
        assert config_maps(w) == {"of-alien"}
        assert [name(each) for each in w.all(NODE)] == ["n"]


def test_a_circle_of_foreground_deletions_ends() -> None:
    with World(GarbageCollector).running() as w:
        one = w.create(CONFIG_MAP, config_map("one"))
        two = w.create(CONFIG_MAP, config_map("two", one))
        w.change(CONFIG_MAP, "one", lambda obj: obj["metadata"].update(ownerReferences=[owner_reference(two)]))
        w.quiet()
        w.client.delete(CONFIG_MAP, "one", "default", propagation="Foreground")
        w.eventually(lambda: config_maps(w) == set())


def test_somebody_elses_finalizer_is_waited_for() -> None:
    with World(GarbageCollector).running() as w:
        one = w.create(CONFIG_MAP, config_map("one"))
        held = config_map("held", one)
        held["metadata"]["finalizers"] = ["example.com/backup"]
        w.create(CONFIG_MAP, held)
        w.client.delete(CONFIG_MAP, "one", "default", propagation="Foreground")
        w.eventually(lambda: is_deleting(w.client.get(CONFIG_MAP, "held", "default")))
        w.quiet()
        assert config_maps(w) == {"one", "held"}
        w.change(CONFIG_MAP, "held", lambda obj: obj["metadata"].update(finalizers=[]))
        w.eventually(lambda: config_maps(w) == set())
