from __future__ import annotations

import pytest

from orchestrator.api.errors import AlreadyExists, Forbidden
from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE, POD, RESOURCE_QUOTA
from orchestrator.api.meta import Object, name, status
from orchestrator.controllers.namespace import NamespaceController
from orchestrator.controllers.resourcequota import ResourceQuotaController
from tests.unit.orchestrator.controllers.world import World


def quota(hard: dict[str, str], namespace: str = "default") -> Object:
    return {"metadata": {"name": "q", "namespace": namespace}, "spec": {"hard": hard}}


def config_map(name: str, namespace: str = "default") -> Object:
    return {"metadata": {"name": name, "namespace": namespace}}


def pod(name: str) -> Object:
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {"containers": [{"name": "a", "image": "x"}]}}


def used(w: World) -> dict[str, str]:
    return status(w.client.get(RESOURCE_QUOTA, "q", "default")).get("used") or {}


def test_a_new_quota_is_measured() -> None:
    with World(ResourceQuotaController).running() as w:
        w.client.create(CONFIG_MAP, config_map("before"))
        w.client.create(RESOURCE_QUOTA, quota({"configmaps": "2", "pods": "1"}))
        w.eventually(lambda: used(w) == {"configmaps": "1", "pods": "0"})
        assert w.client.get(RESOURCE_QUOTA, "q", "default")["status"]["hard"] == {"configmaps": "2", "pods": "1"}


def test_a_changed_limit_holds_from_then_on() -> None:
    with World(ResourceQuotaController).running() as w:
        w.client.create(RESOURCE_QUOTA, quota({"configmaps": "2"}))
        w.eventually(lambda: used(w) == {"configmaps": "0"})
        w.client.patch(RESOURCE_QUOTA, "q", {"spec": {"hard": {"configmaps": "0"}}}, "default")
        w.eventually(lambda: w.client.get(RESOURCE_QUOTA, "q", "default")["status"]["hard"] == {"configmaps": "0"})


def test_what_goes_makes_room() -> None:
    with World(ResourceQuotaController).running() as w:
        w.client.create(RESOURCE_QUOTA, quota({"configmaps": "1"}))
        w.eventually(lambda: used(w) == {"configmaps": "0"})
        w.client.create(CONFIG_MAP, config_map("a"))
        assert used(w) == {"configmaps": "1"}
        w.client.delete(CONFIG_MAP, "a", "default")
        w.quiet()
        assert used(w) == {"configmaps": "1"}, "what was charged just now may be on its way"
        w.clock.advance(1)
        w.eventually(lambda: used(w) == {"configmaps": "0"})


def test_room_is_made_at_once_where_nothing_was_charged_for_a_while() -> None:
    with World(ResourceQuotaController).running() as w:
        w.client.create(CONFIG_MAP, config_map("a"))
        w.client.create(RESOURCE_QUOTA, quota({"configmaps": "1"}))
        w.eventually(lambda: used(w) == {"configmaps": "1"})
        w.client.delete(CONFIG_MAP, "a", "default")
        before = w.clock.monotonic()
        w.eventually(lambda: used(w) == {"configmaps": "0"})
        assert w.clock.monotonic() - before < 1


def test_what_was_charged_and_not_written_is_taken_off() -> None:
    with World(ResourceQuotaController).running() as w:
        w.client.create(CONFIG_MAP, config_map("taken"))
        w.client.create(RESOURCE_QUOTA, quota({"configmaps": "2"}))
        w.eventually(lambda: used(w) == {"configmaps": "1"})
        with pytest.raises(AlreadyExists):
            w.client.create(CONFIG_MAP, config_map("taken"))
        assert used(w) == {"configmaps": "2"}
        w.quiet()
        w.clock.advance(1)
        w.eventually(lambda: used(w) == {"configmaps": "1"})


def test_a_pod_that_has_finished_uses_nothing() -> None:
    with World(ResourceQuotaController).running() as w:
        w.client.create(RESOURCE_QUOTA, quota({"pods": "1", "count/pods": "5"}))
        w.eventually(lambda: used(w) == {"pods": "0", "count/pods": "0"})
        w.client.create(POD, pod("a"))
        assert used(w) == {"pods": "1", "count/pods": "1"}
        w.quiet()
        made = w.client.get(POD, "a", "default")
        w.client.update_status(POD, {**made, "status": {**made["status"], "phase": "Succeeded"}})
        w.quiet()
        w.clock.advance(1)
        w.eventually(lambda: used(w) == {"pods": "0", "count/pods": "1"})


def test_a_full_quota_takes_what_fits_when_something_goes() -> None:
    def recreate(w: World) -> bool:
        try:
            w.client.create(CONFIG_MAP, config_map("b"))
        except Forbidden:
            return False
        return True

    with World(ResourceQuotaController).running() as w:
        w.client.create(CONFIG_MAP, config_map("a"))
        w.client.create(RESOURCE_QUOTA, quota({"configmaps": "1"}))
        w.eventually(lambda: used(w) == {"configmaps": "1"})
        assert not recreate(w)
        w.client.delete(CONFIG_MAP, "a", "default")
        w.eventually(lambda: recreate(w))


def test_a_namespace_goes_with_its_quotas() -> None:
    with World(ResourceQuotaController, NamespaceController).running() as w:
        w.client.create(NAMESPACE, {"metadata": {"name": "lab"}})
        w.client.create(RESOURCE_QUOTA, quota({"configmaps": "1"}, "lab"))
        w.client.create(CONFIG_MAP, config_map("a", "lab"))
        w.client.delete(NAMESPACE, "lab")
        w.eventually(lambda: "lab" not in [name(each) for each in w.client.list(NAMESPACE).items])
