from __future__ import annotations

import pytest

from orchestrator.api.custom.definition import FINALIZER, client_kind, is_established
from orchestrator.api.errors import Conflict, Invalid, MethodNotAllowed, NotFound
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION as CRD
from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, condition, finalizers, metadata, name, status, uid
from orchestrator.controllers.crd import CustomResourceDefinitionController
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.namespace import NamespaceController
from tests.fakes.custom import GROUP, NAME, crontab, definition, version
from tests.unit.orchestrator.controllers.world import World


def rival(plural: str = "cities", kind: str = "City", **names: object) -> Object:
    crd = definition(kind=kind, plural=plural, shortNames=["ct"], **names)
    crd["metadata"]["name"] = f"{plural}.{GROUP}"
    return crd


def established(w: World, crd: Object) -> Kind:
    w.create(CRD, crd)
    w.eventually(lambda: is_established(w.client.get(CRD, name(crd))))
    kind = client_kind(w.client.get(CRD, name(crd)))
    assert kind is not None
    return kind


def gone(w: World, kind: Kind, name: str, namespace: str = "") -> bool:
    try:
        w.client.get(kind, name, namespace)
    except NotFound:
        return True
    return False


def test_a_new_definition_is_served_once_it_has_its_names() -> None:
    with World(CustomResourceDefinitionController).running() as w:
        kind = established(w, definition())
        found = status(w.client.get(CRD, NAME))
        assert found["acceptedNames"] == {
            "plural": "crontabs",
            "singular": "crontab",
            "kind": "CronTab",
            "listKind": "CronTabList",
            "shortNames": ["ct"],
            "categories": ["all"],
        }
        assert found["storedVersions"] == ["v1"]
        assert w.client.create(kind, crontab())["spec"]["replicas"] == 1


def test_names_in_use_are_given_when_they_are_free() -> None:
    with World(CustomResourceDefinitionController).running() as w:
        established(w, definition())
        w.create(CRD, rival())
        told = w.eventually(lambda: condition(w.client.get(CRD, f"cities.{GROUP}"), "NamesAccepted"))
        assert (told["status"], told["reason"], told["message"]) == (
            "False",
            "ShortNamesConflict",
            '"ct" is already in use',
        )
        assert not is_established(w.client.get(CRD, f"cities.{GROUP}"))
        w.client.delete(CRD, NAME)
        w.eventually(lambda: is_established(w.client.get(CRD, f"cities.{GROUP}")))


def test_two_at_once_do_not_both_get_a_name() -> None:
    w = World(CustomResourceDefinitionController)
    w.create(CRD, definition())
    w.create(CRD, rival())
    with w.running():
        w.quiet()
        told = [condition(w.client.get(CRD, each), "NamesAccepted") for each in (NAME, f"cities.{GROUP}")]
        assert sorted(str(found and found["status"]) for found in told) == ["False", "True"]


def test_a_definition_goes_after_its_objects() -> None:
    with World(CustomResourceDefinitionController).running() as w:
        kind = established(w, definition())
        held = crontab()
        held["metadata"]["finalizers"] = ["example.com/held"]
        w.client.create(kind, held)
        w.client.create(kind, crontab("other"))
        w.client.delete(CRD, NAME)
        w.eventually(lambda: gone(w, kind, "other", "default"))
        going = w.eventually(lambda: condition(w.client.get(CRD, NAME), "Terminating"))
        assert (going["status"], going["reason"]) == ("True", "InstanceDeletionInProgress")
        assert finalizers(w.client.get(CRD, NAME)) == [FINALIZER]
        with pytest.raises(MethodNotAllowed, match="create not allowed while custom resource definition is terminat"):
            w.client.create(kind, crontab("late"))
        left = w.client.get(kind, "nightly", "default")
        metadata(left)["finalizers"] = []
        w.client.update(kind, left)
        w.eventually(lambda: gone(w, CRD, NAME))
        with pytest.raises(NotFound, match="could not find the requested resource"):
            w.client.list(kind)


def test_objects_of_a_version_that_is_no_longer_served_go_too() -> None:
    with World(CustomResourceDefinitionController).running() as w:
        kind = established(w, definition())
        w.client.create(kind, crontab())
        crd = w.client.get(CRD, NAME)
        crd["spec"]["versions"][0]["served"] = False
        w.client.update(CRD, crd)
        with pytest.raises(NotFound):
            w.client.list(kind)
        w.client.delete(CRD, NAME)
        w.eventually(lambda: gone(w, CRD, NAME))
        established(w, definition())
        assert not w.client.list(kind).items


def test_dependents_of_custom_resources_are_collected() -> None:
    with World(CustomResourceDefinitionController, GarbageCollector).running() as w:
        kind = established(w, definition())
        owner = w.client.create(kind, crontab())
        child = {"metadata": {"name": "child", "namespace": "default", "ownerReferences": [reference(owner)]}}
        w.client.create(CONFIG_MAP, child)
        w.quiet()
        assert not gone(w, CONFIG_MAP, "child", "default")
        w.client.delete(kind, "nightly", "default")
        w.eventually(lambda: gone(w, CONFIG_MAP, "child", "default"))


def test_dependents_go_with_the_whole_kind_of_their_owner() -> None:
    with World(CustomResourceDefinitionController, GarbageCollector).running() as w:
        kind = established(w, definition())
        owner = w.client.create(kind, crontab())
        child = {"metadata": {"name": "child", "namespace": "default", "ownerReferences": [reference(owner)]}}
        w.client.create(CONFIG_MAP, child)
        w.client.delete(CRD, NAME)
        w.eventually(lambda: gone(w, CRD, NAME) and gone(w, CONFIG_MAP, "child", "default"))


def test_custom_resources_are_dependents_too_also_after_a_restart() -> None:
    with World(CustomResourceDefinitionController, GarbageCollector).running() as w:
        kind = established(w, definition())
        owner = w.client.create(CONFIG_MAP, {"metadata": {"name": "owner", "namespace": "default"}})
        child = crontab()
        child["metadata"]["ownerReferences"] = [reference(owner)]
        w.client.create(kind, child)
        w.replace_controllers()
        w.client.delete(CONFIG_MAP, "owner", "default")
        w.eventually(lambda: gone(w, kind, "nightly", "default"))


def test_a_namespace_takes_its_custom_resources_with_it() -> None:
    with World(CustomResourceDefinitionController, NamespaceController).running() as w:
        kind = established(w, definition())
        w.client.create(NAMESPACE, {"metadata": {"name": "shop"}})
        there = crontab()
        there["metadata"]["namespace"] = "shop"
        w.client.create(kind, there)
        w.client.delete(NAMESPACE, "shop")
        w.eventually(lambda: gone(w, NAMESPACE, "shop"))
        assert not w.client.list(kind).items


def test_the_stored_version_may_move() -> None:
    old, new = version("v1"), version("v2", storage=False)
    with World(CustomResourceDefinitionController, GarbageCollector).running() as w:
        kind = established(w, definition(old, new))
        made = w.client.create(kind, crontab())
        crd = w.client.get(CRD, NAME)
        for each in crd["spec"]["versions"]:
            each["storage"] = each["name"] == "v2"
        moved = w.client.update(CRD, crd)
        assert status(moved)["storedVersions"] == ["v1", "v2"]
        moved_kind = client_kind(moved)
        assert moved_kind is not None and moved_kind.version == "v2"
        seen = w.client.get(moved_kind, "nightly", "default")
        assert (seen["apiVersion"], uid(seen)) == (f"{GROUP}/v2", uid(made))
        moved["spec"]["versions"] = [new | {"storage": True}]
        with pytest.raises(Invalid, match=r"status.storedVersions\[0\]: Invalid value: \"v1\": must appear in spec"):
            w.client.update(CRD, moved)


def test_what_may_not_change() -> None:
    with World(CustomResourceDefinitionController).running() as w:
        established(w, definition())
        crd = w.client.get(CRD, NAME)
        crd["spec"]["scope"] = "Cluster"
        with pytest.raises(Invalid, match=r'spec\.scope: Invalid value: "Cluster": field is immutable'):
            w.client.update(CRD, crd)
        crd["metadata"]["resourceVersion"] = "1"
        with pytest.raises(Conflict):
            w.client.update(CRD, crd)


def reference(owner: Object) -> Object:
    return {field: owner[field] for field in ("apiVersion", "kind")} | {"name": name(owner), "uid": uid(owner)}
