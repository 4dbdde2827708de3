from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api import managed
from orchestrator.api.fieldset import FieldSet
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import POD
from orchestrator.api.managed import Application, Conflicts, Entry, Manager
from orchestrator.api.meta import Object
from orchestrator.api.typed import shape
from orchestrator.api.typed.compare import compare

SHAPE = shape.of(DEPLOYMENT)
ANN, BOB = Manager("ann", "Apply", "apps/v1"), Manager("bob", "Apply", "apps/v1")
UPDATER = Manager("kubectl-edit", "Update", "apps/v1")


class World:
    """An object and its owners, after what was done to it. Each write is a second later."""

    def __init__(self) -> None:
        self.live: Object = {}
        self.entries: list[Entry] = []
        self._time = 0

    def _now(self) -> str:
        self._time += 1
        return f"t{self._time:02}"

    def apply(self, manager: Manager, configuration: Object, *, force: bool = False) -> None:
        application = Application(SHAPE, manager, configuration, self._now())
        self.live, self.entries = managed.apply(application, self.live, self.entries, force=force)

    def update(self, manager: Manager, new: Object) -> None:
        changes = compare(SHAPE, self.live, new)
        self.entries = managed.update(self.entries, manager, changes, self._now())
        self.live = new

    def owned(self, manager: Manager) -> Any:
        return next((entry.fields.tree for entry in self.entries if entry.manager == manager), None)


def spec(**fields: Any) -> Object:
    return {"spec": fields}


def labels(**values: str) -> Object:
    return {"metadata": {"labels": values}}


def containers(*items: Object) -> Object:
    return spec(template={"spec": {"containers": list(items)}})


def test_the_first_apply_makes_the_object() -> None:
    world = World()
    world.apply(ANN, spec(replicas=3))
    assert world.live == spec(replicas=3)
    assert world.owned(ANN) == {"f:spec": {"f:replicas": {}}}


def test_what_is_no_longer_applied_is_removed() -> None:
    world = World()
    world.apply(ANN, labels(a="1", b="2"))
    world.apply(ANN, labels(a="1"))
    assert world.live == labels(a="1")


def test_what_another_applies_too_stays() -> None:
    world = World()
    world.apply(ANN, labels(a="1", b="2"))
    world.apply(BOB, labels(b="2"))
    world.apply(ANN, labels(a="1"))
    assert world.live == labels(a="1", b="2")
    world.apply(BOB, {"metadata": {}})
    assert world.live == labels(a="1")


def test_a_field_that_was_given_to_an_updater_stays() -> None:
    world = World()
    world.apply(ANN, spec(replicas=3, paused=True))
    world.update(UPDATER, spec(replicas=5, paused=True))
    assert world.owned(ANN) == {"f:spec": {"f:paused": {}}}
    world.apply(ANN, spec(paused=True))
    assert world.live == spec(replicas=5, paused=True)


def test_a_conflict_is_told_with_its_owner() -> None:
    world = World()
    world.apply(ANN, spec(replicas=3))
    before = world.live, world.entries
    with pytest.raises(Conflicts) as caught:
        world.apply(BOB, spec(replicas=4))
    error = caught.value.status()
    assert error.message == 'Apply failed with 1 conflict: conflict with "ann": .spec.replicas'
    assert error.details == {
        "causes": [{"reason": "FieldManagerConflict", "message": 'conflict with "ann"', "field": ".spec.replicas"}]
    }
    assert (world.live, world.entries) == before


def test_many_conflicts() -> None:
    world = World()
    world.apply(ANN, labels(a="1"))
    world.update(Manager("hpa", "Update", "apps/v1", "scale"), {**labels(a="1", b="1"), **spec(replicas=2)})
    with pytest.raises(Conflicts) as caught:
        world.apply(BOB, {**labels(a="9", b="9"), **spec(replicas=9)})
    assert caught.value.status().message == (
        'Apply failed with 3 conflicts: conflicts with "ann":\n- .metadata.labels.a\n'
        'conflicts with "hpa" with subresource "scale" using apps/v1:\n- .metadata.labels.b\n- .spec.replicas'
    )


def test_force_takes_the_field() -> None:
    world = World()
    world.apply(ANN, spec(replicas=3, paused=True))
    world.apply(BOB, spec(replicas=4), force=True)
    assert world.live == spec(replicas=4, paused=True)
    assert world.owned(ANN) == {"f:spec": {"f:paused": {}}}


def test_the_same_value_is_shared() -> None:
    world = World()
    world.apply(ANN, spec(replicas=3))
    world.apply(BOB, spec(replicas=3))
    assert world.owned(ANN) == world.owned(BOB)
    with pytest.raises(Conflicts):
        world.apply(ANN, spec(replicas=4))


def test_an_item_that_is_no_longer_applied_goes_with_its_defaults() -> None:
    world = World()
    world.apply(ANN, containers({"name": "a"}, {"name": "b"}))
    world.live = containers({"name": "a"}, {"name": "b", "imagePullPolicy": "Always"})
    world.apply(ANN, containers({"name": "a"}))
    assert world.live == containers({"name": "a"})


def test_a_struct_that_is_no_longer_applied_goes_with_its_defaults() -> None:
    world = World()
    world.apply(ANN, spec(replicas=1, strategy={"type": "RollingUpdate"}))
    world.live = spec(replicas=1, strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}})
    world.apply(ANN, spec(replicas=1))
    assert world.live == spec(replicas=1)


def test_applying_the_same_again_changes_nothing() -> None:
    world = World()
    world.apply(ANN, spec(replicas=3))
    before = world.live, world.entries
    world.apply(ANN, spec(replicas=3))
    assert (world.live, world.entries) == before
    assert world.entries[0].time == "t01"


def test_an_applier_may_move_to_another_version() -> None:
    world = World()
    world.apply(Manager("ann", "Apply", "apps/v1beta1"), spec(replicas=3, paused=True))
    world.apply(ANN, spec(replicas=3))
    assert [entry.manager for entry in world.entries] == [ANN]
    assert world.live == spec(replicas=3)


def test_what_had_no_owner_before_the_first_apply_gets_one() -> None:
    world = World()
    world.live = spec(replicas=3, paused=True)
    with pytest.raises(Conflicts) as caught:
        world.apply(ANN, spec(replicas=4))
    assert 'conflict with "before-first-apply" using apps/v1' in caught.value.status().message


def test_an_update_takes_what_it_changes_and_drops_what_it_removes() -> None:
    world = World()
    world.update(Manager("kubectl-create", "Update", "apps/v1"), spec(replicas=1, paused=True))
    world.update(UPDATER, spec(replicas=2))
    assert world.owned(UPDATER) == {"f:spec": {"f:replicas": {}}}
    assert world.owned(Manager("kubectl-create", "Update", "apps/v1")) == {"f:spec": {}}


def test_a_manager_with_nothing_left_is_dropped() -> None:
    world = World()
    world.live = {"spec": {}}
    world.update(UPDATER, spec(replicas=1))
    world.update(Manager("other", "Update", "apps/v1"), spec(replicas=2))
    assert [entry.manager.name for entry in world.entries] == ["other"]


def test_the_time_moves_only_with_a_field_taken() -> None:
    world = World()
    world.live = {"spec": {}}
    world.update(UPDATER, spec(replicas=1, paused=True))
    world.update(UPDATER, spec(replicas=1))
    assert world.entries == [Entry(UPDATER, FieldSet.of([("f:spec", "f:replicas")]), "t01")]


def test_the_oldest_of_many_updaters_become_one() -> None:
    world = World()
    world.live = {"metadata": {"labels": {}}}
    for index in range(12):
        new = labels(**{**world.live["metadata"]["labels"], f"l{index}": "x"})
        world.update(Manager(f"m{index:02}", "Update", "apps/v1"), new)
    names = [entry["manager"] for entry in managed.to_json(world.entries)]
    assert names == ["ancient-changes", *(f"m{index:02}" for index in range(3, 12))]
    assert world.entries[0].fields.tree == {"f:metadata": {"f:labels": {"f:l0": {}, "f:l1": {}, "f:l2": {}}}}


def test_names_and_the_servers_fields_have_no_owner() -> None:
    new = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "uid": "u", "generateName": "a-"}}
    changes = compare(shape.of(POD), managed.blank(new), new)
    (entry,) = managed.update([], UPDATER, changes, "t1")
    assert entry.fields.tree == {"f:metadata": {"f:generateName": {}}}


def test_json_and_back() -> None:
    entries = [
        Entry(Manager("b", "Update", "v1", "status"), FieldSet.of([("f:status", "f:phase")]), "t2"),
        Entry(Manager("a", "Apply", "v1"), FieldSet.of([("f:spec",)]), "t3"),
    ]
    written = managed.to_json(entries)
    assert written[0] == {
        "manager": "a",
        "operation": "Apply",
        "apiVersion": "v1",
        "time": "t3",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {}},
    }
    assert written[1]["subresource"] == "status"
    assert managed.parse(written) == managed.stored({"metadata": {"managedFields": written}}) == entries[::-1]


@pytest.mark.parametrize(
    "value",
    [
        {},
        [1],
        [{"operation": "Create", "fieldsType": "FieldsV1"}],
        [{"operation": "Apply", "fieldsType": "FieldsV2"}],
        [{"operation": "Apply", "fieldsType": "FieldsV1", "manager": 1}],
        [{"operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {"spec": {}}}],
    ],
)
def test_what_is_no_managed_fields(value: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        managed.parse(value)
