"""The default roles: what they allow, and how a start mends them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.api.groups.rbac import CLUSTER_ROLE, CLUSTER_ROLE_BINDING
from orchestrator.api.meta import Object
from orchestrator.api.rbac import missing, rules_of
from orchestrator.client.client import Client
from orchestrator.server.bootstrap import bootstrap
from orchestrator.server.policy import cluster_role_bindings, cluster_roles
from orchestrator.server.policy_plan import reconciled_binding, reconciled_role
from orchestrator.server.resources import Resources
from orchestrator.util.settings import Settings

SETTINGS = Settings(home=Path("/nonexistent"))
ROLES = {role["metadata"]["name"]: role for role in cluster_roles()}
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"


def test_every_binding_has_its_role() -> None:
    assert {binding["roleRef"]["name"] for binding in cluster_role_bindings()} <= ROLES.keys()


@pytest.mark.parametrize("name", ["system:aggregate-to-view", "system:aggregate-to-edit", "system:discovery"])
def test_nobody_but_masters_may_escalate(name: str) -> None:
    for rule in rules_of(ROLES[name]):
        assert not rule.verbs & {"*", "escalate", "bind"}


def test_lookers_see_no_secrets() -> None:
    assert not any("secrets" in rule.resources for rule in rules_of(ROLES["system:aggregate-to-view"]))


def test_lookers_see_what_is_used() -> None:
    role = ROLES["system:aggregated-metrics-reader"]
    assert {f"rbac.authorization.k8s.io/aggregate-to-{to}" for to in ("admin", "edit", "view")} <= set(
        role["metadata"]["labels"]
    )
    (rule,) = rules_of(role)
    assert (set(rule.groups), set(rule.resources)) == ({"metrics.k8s.io"}, {"nodes", "pods"})
    assert set(rule.verbs) == {"get", "list", "watch"}


def there(wanted: Object, **changes: object) -> Object:
    return {**wanted, **changes}


def test_what_is_there_stays() -> None:
    assert reconciled_role(ROLES["system:discovery"], ROLES["system:discovery"]) is None


def test_missing_rules_come_back_and_added_ones_stay() -> None:
    wanted = ROLES["system:kube-scheduler"]
    extra = {"verbs": ["get"], "apiGroups": ["example.com"], "resources": ["things"]}
    new = reconciled_role(there(wanted, rules=[*wanted["rules"][1:], extra]), wanted)
    assert new is not None
    assert missing(rules_of(new), rules_of(wanted)) == []
    assert extra in new["rules"]


def test_what_users_keep_for_themselves_is_left_alone() -> None:
    wanted = ROLES["system:discovery"]
    own = there(wanted, metadata={**wanted["metadata"], "annotations": {AUTOUPDATE: "false"}}, rules=[])
    assert reconciled_role(own, wanted) is None


def test_bindings() -> None:
    wanted = cluster_role_bindings()[0]
    joe = {"kind": "User", "name": "joe"}
    assert reconciled_binding(wanted, wanted) == ("keep", wanted)
    step, new = reconciled_binding(there(wanted, subjects=[joe]), wanted)
    assert (step, new["subjects"]) == ("update", [joe, *wanted["subjects"]])
    elsewhere = {**wanted["roleRef"], "name": "view"}
    assert reconciled_binding(there(wanted, roleRef=elsewhere), wanted) == ("recreate", wanted)


def test_a_start_mends(resources: Resources, client: Client) -> None:
    def rules() -> list[Object]:
        return list(client.get(CLUSTER_ROLE, "system:basic-user")["rules"])

    whole = rules()
    client.patch(CLUSTER_ROLE, "system:basic-user", {"rules": []})
    client.delete(CLUSTER_ROLE_BINDING, "system:basic-user")
    bootstrap(resources, SETTINGS)
    assert rules() == whole
    assert client.get(CLUSTER_ROLE_BINDING, "system:basic-user")["roleRef"]["name"] == "system:basic-user"
