from typing import Any

import pytest

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.kinds import Kind, Kinds
from orchestrator.server import discovery

KINDS = Kinds(
    (
        Kind("", "v1", "Pod", "pods", short_names=("po",), categories=("all",),
             subresources=("binding", "eviction", "exec", "log", "status")),
        Kind("", "v1", "Node", "nodes", namespaced=False, subresources=("status", "proxy")),
        Kind("", "v1", "ServiceAccount", "serviceaccounts", subresources=("token",)),
        Kind("apps", "v1", "Deployment", "deployments", subresources=("status", "scale")),
        Kind("autoscaling", "v1", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        Kind("autoscaling", "v2beta2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
        Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    )
)  # fmt: skip


def test_groups() -> None:
    groups = discovery.group_list(KINDS)["groups"]
    assert [group["name"] for group in groups] == ["apps", "autoscaling"]
    assert groups[1]["preferredVersion"] == {"groupVersion": "autoscaling/v2", "version": "v2"}
    assert [version["version"] for version in groups[1]["versions"]] == ["v2", "v1", "v2beta2"]
    assert discovery.group(KINDS, "apps") == {"kind": "APIGroup", "apiVersion": "v1"} | groups[0]


@pytest.mark.parametrize("name", ["", "extensions"])
def test_a_group_that_is_not_served(name: str) -> None:
    assert discovery.group(KINDS, name) is None


def test_a_version_that_is_not_served() -> None:
    assert discovery.resource_list(KINDS, "apps", "v2") is None


def test_resources() -> None:
    core = discovery.resource_list(KINDS, "", "v1")
    assert core is not None and core["groupVersion"] == "v1"
    resources = {entry["name"]: entry for entry in core["resources"]}
    assert resources["pods"] == {
        "name": "pods",
        "singularName": "pod",
        "namespaced": True,
        "kind": "Pod",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["po"],
        "categories": ["all"],
    }
    assert resources["pods/eviction"] == {
        "name": "pods/eviction",
        "singularName": "",
        "namespaced": True,
        "group": "policy",
        "version": "v1",
        "kind": "Eviction",
        "verbs": ["create"],
    }
    assert resources["pods/binding"]["kind"] == "Binding" and "group" not in resources["pods/binding"]
    assert resources["pods/status"]["kind"] == "Pod"
    assert resources["nodes/proxy"]["kind"] == "NodeProxyOptions"
    assert resources["serviceaccounts/token"]["group"] == "authentication.k8s.io"


def test_scale_is_autoscalings() -> None:
    apps = discovery.resource_list(KINDS, "apps", "v1")
    assert apps is not None
    (scale,) = [entry for entry in apps["resources"] if entry["name"] == "deployments/scale"]
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_aggregated(version: str) -> None:
    core = discovery.aggregated(KINDS, core=True, version=version)
    assert core["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    (group,) = core["items"]
    assert group["metadata"] == {}
    pods = next(resource for resource in group["versions"][0]["resources"] if resource["resource"] == "pods")
    assert pods["responseKind"] == {"group": "", "version": "v1", "kind": "Pod"}
    assert (pods["scope"], pods["singularResource"], pods["shortNames"]) == ("Namespaced", "pod", ["po"])
    eviction = next(sub for sub in pods["subresources"] if sub["subresource"] == "eviction")
    assert eviction["responseKind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}
    groups = discovery.aggregated(KINDS, core=False, version=version)["items"]
    assert [item["metadata"]["name"] for item in groups] == ["apps", "autoscaling"]


def test_both_forms_agree_on_every_built_in_kind() -> None:
    legacy: set[Any] = set()
    for group, version in {(kind.group, kind.version) for kind in BUILTIN}:
        resources = discovery.resource_list(BUILTIN, group, version)
        assert resources is not None
        legacy |= {(group, version, entry["name"], *entry["verbs"]) for entry in resources["resources"]}
    new: set[Any] = set()
    for core in (True, False):
        for item in discovery.aggregated(BUILTIN, core=core)["items"]:
            group = item["metadata"].get("name", "")
            for served in item["versions"]:
                for entry in served["resources"]:
                    name = entry["resource"]
                    new.add((group, served["version"], name, *entry["verbs"]))
                    for sub in entry.get("subresources", ()):
                        new.add((group, served["version"], f"{name}/{sub['subresource']}", *sub["verbs"]))
    assert legacy == new
    assert len(legacy) == sum(1 + len(kind.subresources) for kind in BUILTIN)


def test_api_versions() -> None:
    answer = discovery.api_versions("127.0.0.1:6443")
    assert answer["versions"] == ["v1"]
    assert answer["serverAddressByClientCIDRs"][0]["serverAddress"] == "127.0.0.1:6443"
