from __future__ import annotations

from orchestrator.api.groups.rbac import CLUSTER_ROLE
from orchestrator.api.meta import Object
from orchestrator.controllers.clusterrole_aggregation import ClusterRoleAggregation
from orchestrator.controllers.clusterrole_aggregation_plan import gathered
from tests.unit.orchestrator.controllers.world import World


def rule(resource: str) -> Object:
    return {"verbs": ["get"], "apiGroups": [""], "resources": [resource]}


def role(name: str, *resources: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}, "rules": [rule(each) for each in resources]}


def gathering(name: str, *labels: str) -> Object:
    selectors = [{"matchLabels": {label: "yes"}} for label in labels]
    return {**role(name), "aggregationRule": {"clusterRoleSelectors": selectors}}


def test_rules_of_all_that_one_selector_chooses_each_once() -> None:
    roles = [role("c", "pods", "secrets", a="yes"), role("b", "pods", b="yes"), role("d", "nodes", a="no")]
    assert gathered(gathering("all", "a", "b"), roles) == [rule("pods"), rule("secrets")]
    assert gathered(gathering("none", "x"), roles) == []


def test_not_its_own() -> None:
    own = gathering("all", "a")
    own["metadata"]["labels"] = {"a": "yes"}
    own["rules"] = [rule("pods")]
    assert gathered(own, [own]) == []


def test_roles_follow_what_they_gather() -> None:
    def resources(name: str) -> list[str]:
        return [each["resources"][0] for each in w.client.get(CLUSTER_ROLE, name).get("rules") or []]

    with World(ClusterRoleAggregation).running() as w:
        w.client.create(CLUSTER_ROLE, gathering("top", "top"))
        middle = gathering("middle", "bottom")
        middle["metadata"]["labels"] = {"top": "yes"}
        w.client.create(CLUSTER_ROLE, middle)
        w.client.create(CLUSTER_ROLE, role("bottom", "pods", bottom="yes"))
        w.eventually(lambda: resources("top") == ["pods"])
        w.client.create(CLUSTER_ROLE, role("crew", "secrets", bottom="yes"))
        w.eventually(lambda: resources("top") == ["pods", "secrets"])
        w.client.delete(CLUSTER_ROLE, "bottom")
        w.eventually(lambda: resources("top") == ["secrets"])
