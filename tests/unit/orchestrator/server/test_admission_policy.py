"""Admission by priority classes, runtime classes, default classes, limit ranges and quotas."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.api.errors import AlreadyExists, Conflict, Forbidden, Invalid
from orchestrator.api.groups.core import (
    CONFIG_MAP,
    LIMIT_RANGE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    RESOURCE_QUOTA,
    SERVICE,
)
from orchestrator.api.groups.networking import INGRESS, INGRESS_CLASS
from orchestrator.api.groups.node import RUNTIME_CLASS
from orchestrator.api.groups.scheduling import PRIORITY_CLASS
from orchestrator.api.groups.storage import STORAGE_CLASS
from orchestrator.api.meta import Object, name
from orchestrator.client.client import Client
from orchestrator.server.admission.base import Admission
from orchestrator.server.admission.quotas import ResourceQuotas
from orchestrator.server.resources import Resources
from orchestrator.store.base import Entry

from .objects import config_map, pod, service


def priority(name: str, value: int, **fields: Any) -> Object:
    return {"metadata": {"name": name}, "value": value, **fields}


def claim(name: str, **spec: Any) -> Object:
    base = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"metadata": {"name": name, "namespace": "default"}, "spec": {**base, **spec}}


def sized(name: str, resources: Object) -> Object:
    return pod(name, containers=[{"name": "main", "image": "nginx", "resources": resources}])


def limit_range(**item: Any) -> Object:
    limits = [{"type": "Container", **item}]
    return {"metadata": {"name": "limits", "namespace": "default"}, "spec": {"limits": limits}}


def ledger(client: Client, hard: dict[str, str], used: dict[str, str] | None = None, name: str = "q") -> Object:
    """A quota as the controller has measured it."""
    made = client.create(RESOURCE_QUOTA, {"metadata": {"name": name, "namespace": "default"}, "spec": {"hard": hard}})
    assert made["status"] == {}
    status = {"hard": hard, "used": {**dict.fromkeys(hard, "0"), **(used or {})}}
    return client.update_status(RESOURCE_QUOTA, {**made, "status": status})


def used(client: Client, name: str = "q") -> dict[str, str]:
    return client.get(RESOURCE_QUOTA, name, "default")["status"]["used"]  # type: ignore[no-any-return]


# --- priority ----------------------------------------------------------------------------------------------------


def test_the_system_has_two_classes(client: Client) -> None:
    values = {name(each): each["value"] for each in client.list(PRIORITY_CLASS).items}
    assert values == {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}


def test_a_pod_has_the_priority_of_its_class(client: Client) -> None:
    client.create(PRIORITY_CLASS, priority("calm", 7, preemptionPolicy="Never"))
    spec = client.create(POD, pod(priorityClassName="calm"))["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (7, "Never")
    with pytest.raises(Forbidden, match='pods "x" is forbidden: no PriorityClass with name none was found'):
        client.create(POD, pod("x", priorityClassName="none"))
    with pytest.raises(Forbidden, match=r"the integer value of priority \(8\) must not be provided in pod spec"):
        client.create(POD, pod("x", priorityClassName="calm", priority=8))
    with pytest.raises(Forbidden, match=r"the string value of PreemptionPolicy \(PreemptLowerPriority\) must not be"):
        client.create(POD, pod("x", priorityClassName="calm", preemptionPolicy="PreemptLowerPriority"))


def test_a_default_class_there_can_be_one_of(client: Client) -> None:
    client.create(PRIORITY_CLASS, priority("usual", 5, globalDefault=True))
    spec = client.create(POD, pod())["spec"]
    assert (spec["priority"], spec["priorityClassName"]) == (5, "usual")
    with pytest.raises(Forbidden, match="PriorityClass usual is already marked as default"):
        client.create(PRIORITY_CLASS, priority("other", 6, globalDefault=True))
    client.patch(PRIORITY_CLASS, "usual", {"description": "of most"})


# --- runtime classes ---------------------------------------------------------------------------------------------


def test_a_runtime_class_costs_and_chooses_nodes(client: Client) -> None:
    toleration = {"key": "slow", "operator": "Exists"}
    scheduling = {"nodeSelector": {"runtime": "slow"}, "tolerations": [toleration]}
    overhead = {"podFixed": {"cpu": "100m"}}
    runtime = {"metadata": {"name": "slow"}, "handler": "slow", "overhead": overhead, "scheduling": scheduling}
    client.create(RUNTIME_CLASS, runtime)
    spec = client.create(POD, pod(runtimeClassName="slow", nodeSelector={"disk": "ssd"}))["spec"]
    assert spec["overhead"] == {"cpu": "100m"}
    assert spec["nodeSelector"] == {"disk": "ssd", "runtime": "slow"}
    assert toleration in spec["tolerations"]
    with pytest.raises(Forbidden, match='pod rejected: RuntimeClass "none" not found'):
        client.create(POD, pod("x", runtimeClassName="none"))
    with pytest.raises(Forbidden, match="Pod's Overhead doesn't match RuntimeClass's defined Overhead"):
        client.create(POD, pod("x", runtimeClassName="slow", overhead={"cpu": "1"}))
    with pytest.raises(Forbidden, match="Pod Overhead set without corresponding RuntimeClass defined Overhead"):
        client.create(POD, pod("x", overhead={"cpu": "1"}))
    with pytest.raises(Forbidden, match=r"conflict: runtimeClass\.scheduling\.nodeSelector\[runtime\] = slow"):
        client.create(POD, pod("x", runtimeClassName="slow", nodeSelector={"runtime": "fast"}))


# --- default classes ---------------------------------------------------------------------------------------------


def test_claims_get_the_default_storage_class(client: Client) -> None:
    assert client.create(PERSISTENT_VOLUME_CLAIM, claim("before"))["spec"]["storageClassName"] == "standard"
    client.delete(STORAGE_CLASS, "standard")
    assert "storageClassName" not in client.create(PERSISTENT_VOLUME_CLAIM, claim("without"))["spec"]
    default = {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    client.create(STORAGE_CLASS, {"metadata": default, "provisioner": "a.io/b"})
    assert client.create(PERSISTENT_VOLUME_CLAIM, claim("a"))["spec"]["storageClassName"] == "fast"
    assert client.create(PERSISTENT_VOLUME_CLAIM, claim("b", storageClassName=""))["spec"]["storageClassName"] == ""


def test_ingresses_get_the_default_class(client: Client) -> None:
    default = {"name": "nginx", "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}
    client.create(INGRESS_CLASS, {"metadata": default, "spec": {"controller": "a.io/b"}})
    backend = {"defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}}
    made = client.create(INGRESS, {"metadata": {"name": "web", "namespace": "default"}, "spec": backend})
    assert made["spec"]["ingressClassName"] == "nginx"


# --- limit ranges ------------------------------------------------------------------------------------------------


def test_a_limit_range_fills_in_and_refuses(client: Client) -> None:
    client.create(LIMIT_RANGE, limit_range(max={"cpu": "1"}, default={"cpu": "500m"}))
    made = client.create(POD, pod())
    assert made["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "500m"}, "requests": {"cpu": "500m"}}
    assert "kubernetes.io/limit-ranger" in made["metadata"]["annotations"]
    with pytest.raises(
        Forbidden, match='pods "big" is forbidden: maximum cpu usage per Container is 1, but limit is 2'
    ):
        client.create(POD, sized("big", {"limits": {"cpu": "2"}}))
    client.patch(POD, "web", {"metadata": {"labels": {"a": "b"}}}, "default")


def test_a_request_above_a_default_limit_is_invalid(client: Client) -> None:
    client.create(LIMIT_RANGE, limit_range(default={"cpu": "500m"}))
    with pytest.raises(Invalid, match="must be less than or equal to cpu limit"):
        client.create(POD, sized("big", {"requests": {"cpu": "1"}}))


def test_a_limit_range_bounds_claims(client: Client) -> None:
    client.create(LIMIT_RANGE, limit_range(type="PersistentVolumeClaim", max={"storage": "1Gi"}))
    client.create(PERSISTENT_VOLUME_CLAIM, claim("fits"))
    with pytest.raises(Forbidden, match="maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi"):
        client.create(PERSISTENT_VOLUME_CLAIM, claim("big", resources={"requests": {"storage": "2Gi"}}))


# --- quotas ------------------------------------------------------------------------------------------------------


def test_a_quota_is_charged_and_refuses(client: Client) -> None:
    ledger(client, {"pods": "2", "requests.cpu": "1"})
    client.create(POD, sized("a", {"requests": {"cpu": "600m"}}))
    assert used(client) == {"pods": "1", "requests.cpu": "600m"}
    sentence = (
        'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: '
    )
    with pytest.raises(Forbidden, match=f"{sentence}requests.cpu=1"):
        client.create(POD, sized("b", {"requests": {"cpu": "600m"}}))
    with pytest.raises(Forbidden, match=r"failed quota: q: must specify requests\.cpu for: main"):
        client.create(POD, pod("c"))
    assert used(client) == {"pods": "1", "requests.cpu": "600m"}


def test_every_quota_must_have_room(client: Client) -> None:
    ledger(client, {"configmaps": "5"}, name="wide")
    ledger(client, {"count/configmaps": "0"}, name="zero")
    with pytest.raises(Forbidden, match="exceeded quota: zero"):
        client.create(CONFIG_MAP, config_map())
    assert used(client, "wide") == {"configmaps": "0"}


def test_limits_are_filled_in_before_the_quota_looks(client: Client) -> None:
    ledger(client, {"limits.cpu": "1"})
    client.create(LIMIT_RANGE, limit_range(default={"cpu": "500m"}))
    client.create(POD, pod())
    assert used(client) == {"limits.cpu": "500m"}


def test_what_is_not_to_be_written_is_not_charged(client: Client) -> None:
    ledger(client, {"pods": "1"})
    client.create(POD, pod(), dryRun="All")
    with pytest.raises(Invalid):
        client.create(POD, pod("Bad_Name"))
    assert used(client) == {"pods": "0"}
    client.create(POD, pod())
    with pytest.raises(Forbidden, match="exceeded quota"):
        client.create(POD, pod("more"), dryRun="All")


def test_growth_is_charged_and_the_rest_is_not(client: Client) -> None:
    ledger(client, {"services": "1", "services.nodeports": "1"})
    client.create(SERVICE, service("web"))
    client.patch(SERVICE, "web", {"spec": {"type": "NodePort"}}, "default")
    assert used(client) == {"services": "1", "services.nodeports": "1"}
    client.patch(SERVICE, "web", {"metadata": {"labels": {"a": "b"}}}, "default")
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    with pytest.raises(Forbidden, match=r"exceeded quota: q, requested: services\.nodeports=1"):
        client.patch(SERVICE, "web", {"spec": {"ports": ports}}, "default")


def test_of_many_at_once_just_so_many_get_through(client: Client) -> None:
    ledger(client, {"configmaps": "7"})

    def attempt(number: int) -> bool:
        try:
            client.create(CONFIG_MAP, config_map(f"c{number}"))
        except Forbidden:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(24))) == 7
    assert used(client) == {"configmaps": "7"}
    assert len(client.list(CONFIG_MAP, "default").items) == 7


class Meddled:
    """A store in which somebody else writes to a quota just before each update, `times` times."""

    def __init__(self, resources: Resources, times: int) -> None:
        self._store, self._times = resources.backend.store, times

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._store, attribute)

    def update(self, key: str, obj: Object, expected: int, *, by: str = "") -> Entry:
        if self._times:
            self._times -= 1
            entry = self._store.get(key)
            meddled = entry.object()
            meddled["status"]["used"]["configmaps"] = str(int(meddled["status"]["used"]["configmaps"]) + 1)
            self._store.update(key, meddled, entry.revision)
        return self._store.update(key, obj, expected, by=by)


def meddle(resources: Resources, times: int) -> None:
    resources.backend = replace(resources.backend, admission=Admission((ResourceQuotas(Meddled(resources, times)),)))


def test_a_charge_is_made_on_top_of_another_masters(resources: Resources, client: Client) -> None:
    ledger(client, {"configmaps": "3"})
    meddle(resources, 2)
    client.create(CONFIG_MAP, config_map())
    assert used(client) == {"configmaps": "3"}


def test_a_charge_that_no_room_is_left_for_meanwhile_is_refused(resources: Resources, client: Client) -> None:
    ledger(client, {"configmaps": "1"})
    meddle(resources, 1)
    with pytest.raises(Forbidden, match="exceeded quota"):
        client.create(CONFIG_MAP, config_map())


def test_a_quota_that_is_always_changed_is_a_conflict(resources: Resources, client: Client) -> None:
    ledger(client, {"configmaps": "99"})
    meddle(resources, 99)
    with pytest.raises(Conflict):
        client.create(CONFIG_MAP, config_map())


def test_names_that_are_taken_are_told_as_ever(client: Client) -> None:
    ledger(client, {"configmaps": "2"})
    client.create(CONFIG_MAP, config_map())
    with pytest.raises(AlreadyExists):
        client.create(CONFIG_MAP, config_map())
