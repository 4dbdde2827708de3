from __future__ import annotations

from orchestrator.api.groups.apps import DEPLOYMENT, REPLICA_SET
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, annotations, condition, controller_of, name, spec, status
from orchestrator.api.strategies.deployment import DeploymentStrategy
from orchestrator.api.strategies.replicaset import ReplicaSetStrategy
from orchestrator.controllers import deployment_revision as revisions
from orchestrator.controllers import deployment_sizes as sizes
from orchestrator.controllers.deployment import DeploymentController
from orchestrator.controllers.replicaset import ReplicaSetController
from tests.unit.orchestrator.controllers.objects import deployment, replica_set
from tests.unit.orchestrator.controllers.world import World


def world() -> World:
    return World(DeploymentController, ReplicaSetController)


def current(world: World) -> Object:
    return world.client.get(DEPLOYMENT, "web", "default")


def is_complete(world: World, replicas: int) -> bool:
    made = current(world)
    counts = {status(made).get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")}
    reason = (condition(made, "Progressing") or {}).get("reason")
    seen = status(made).get("observedGeneration") == made["metadata"]["generation"]
    return seen and counts == {replicas} and reason == "NewReplicaSetAvailable"


def set_image(world: World, image: str) -> None:
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]
    world.client.patch(DEPLOYMENT, "web", patch, "default", content_type="application/json-patch+json")


def images(world: World) -> set[str]:
    return {spec(pod)["containers"][0]["image"] for pod in world.pods()}


def test_a_deployment_from_creation_over_update_to_rollback() -> None:
    with world().running() as w:
        w.create(DEPLOYMENT, deployment(3))
        w.eventually(lambda: is_complete(w, 3))
        (first,) = w.all(REPLICA_SET)
        assert w.events.messages("ScalingReplicaSet") == [f"Scaled up replica set {name(first)} from 0 to 3"]
        assert annotations(current(w))[revisions.REVISION] == "1"

        set_image(w, "nginx:2")
        w.eventually(lambda: is_complete(w, 3) and images(w) == {"nginx:2"})
        assert annotations(current(w))[revisions.REVISION] == "2"
        assert len(w.all(REPLICA_SET)) == 2
        assert f"Scaled down replica set {name(first)} from 1 to 0" in w.events.messages("ScalingReplicaSet")

        set_image(w, "nginx:1")
        w.eventually(lambda: is_complete(w, 3) and images(w) == {"nginx:1"})
        again = w.client.get(REPLICA_SET, name(first), "default")
        assert (annotations(again)[revisions.REVISION], annotations(again)[revisions.REVISION_HISTORY]) == ("3", "1")
        assert annotations(current(w))[revisions.REVISION] == "3"
        assert len(w.all(REPLICA_SET)) == 2


def test_a_settled_deployment_is_not_written_any_more() -> None:
    with world().running() as w:
        w.create(DEPLOYMENT, deployment(2))
        w.eventually(lambda: is_complete(w, 2))
        w.quiet()
        before = w.revision()
        for controller in w.controllers:
            controller.queue.add("default/web")  # type: ignore[arg-type]
        w.quiet()
        assert w.revision() == before


def test_a_broken_template_leaves_the_old_pods_and_runs_out_of_time() -> None:
    with world().running() as w:
        w.create(DEPLOYMENT, deployment(3, surge=1, unavailable=0))
        w.eventually(lambda: is_complete(w, 3))
        set_image(w, "nginx:sick")
        w.eventually(lambda: status(current(w)).get("updatedReplicas") == 1)
        w.quiet()
        assert len(w.pods()) == 4
        for _ in range(3):
            w.clock.advance(601)
        late = w.eventually(lambda: (condition(current(w), "Progressing") or {})["status"] == "False")
        assert late
        assert (condition(current(w), "Progressing") or {})["reason"] == "ProgressDeadlineExceeded"
        assert (condition(current(w), "Available") or {})["status"] == "True"
        set_image(w, "nginx:3")
        w.eventually(lambda: is_complete(w, 3) and images(w) == {"nginx:3"})


def test_recreate_never_runs_old_and_new_together() -> None:
    w = world()
    seen: list[set[str]] = []

    def note(old: Object | None, new: Object | None) -> None:
        seen.append({spec(pod)["containers"][0]["image"] for pod in w.informers.of(POD).cache.list("default")})

    w.informers.of(POD).add_handler(note)
    with w.running():
        w.create(DEPLOYMENT, deployment(3, strategy={"type": "Recreate"}))
        w.eventually(lambda: is_complete(w, 3))
        set_image(w, "nginx:2")
        w.eventually(lambda: is_complete(w, 3) and images(w) == {"nginx:2"})
    assert {"nginx:1", "nginx:2"} not in seen


def test_history_is_cleaned_up() -> None:
    with world().running() as w:
        w.create(DEPLOYMENT, deployment(1, revisionHistoryLimit=2))
        for number in range(1, 7):
            set_image(w, f"nginx:{number}")
            w.eventually(lambda number=number: is_complete(w, 1) and images(w) == {f"nginx:{number}"})
        w.eventually(lambda: len(w.all(REPLICA_SET)) == 3)
        kept = {spec(rs)["template"]["spec"]["containers"][0]["image"] for rs in w.all(REPLICA_SET)}
        assert kept == {"nginx:4", "nginx:5", "nginx:6"}


def test_an_orphaned_replica_set_is_taken_in_and_reused() -> None:
    with world().running() as w:
        w.create(REPLICA_SET, replica_set("handmade", 2))
        w.eventually(lambda: len(w.pods()) == 2)
        before = {name(pod) for pod in w.pods()}
        made = w.create(DEPLOYMENT, deployment(2))
        w.eventually(lambda: is_complete(w, 2))
        (taken,) = w.all(REPLICA_SET)
        assert (controller_of(taken) or {})["name"] == name(made)
        assert {name(pod) for pod in w.pods()} == before


def test_a_name_taken_by_another_template_makes_another_hash() -> None:
    with world().running() as w:
        wanted = deployment(1)
        DeploymentStrategy().default(wanted)
        hashed = revisions.template_hash(wanted["spec"]["template"], 0)
        squatter = replica_set(f"web-{hashed}", 0, image="other", selector={"matchLabels": {"app": "other"}})
        squatter["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
        w.create(REPLICA_SET, squatter)
        w.create(DEPLOYMENT, deployment(1))
        w.eventually(lambda: is_complete(w, 1))
        assert status(current(w))["collisionCount"] == 1
        assert len(w.all(REPLICA_SET)) == 2


def test_a_replica_set_has_the_same_template_as_its_deployment_after_defaulting() -> None:
    """Or the Deployment would not know it again, and make one after the other."""
    made = deployment(3)
    DeploymentStrategy().default(made)
    created = revisions.new_replica_set(made, sizes.limits(made), 1, 3)
    ReplicaSetStrategy().default(created)
    assert revisions.same_template(made, created)
