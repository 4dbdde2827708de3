"""Roles and bindings: defaults and rules."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.groups.rbac import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object

GROUP = "rbac.authorization.k8s.io"
PODS = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
URLS = {"verbs": ["get"], "nonResourceURLs": ["/metrics"]}


def role(*rules: Object, **fields: Any) -> Object:
    return {"metadata": {"name": "r", "namespace": "shop"}, "rules": list(rules), **fields}


def binding(subject: Object, kind: str = "Role", name: str = "r", **ref: str) -> Object:
    metadata = {"name": "b", "namespace": "shop"}
    return {"metadata": metadata, "roleRef": {"kind": kind, "name": name, **ref}, "subjects": [subject]}


def problems(kind: Kind, obj: Object) -> list[str]:
    kind.strategy.default(obj)
    return [f"{error.field}: {error.message}" for error in kind.strategy.validate(obj)]


JANE = {"kind": "User", "name": "jane"}


@pytest.mark.parametrize(
    ("kind", "obj", "expected"),
    [
        (ROLE, role(PODS), []),
        (ROLE, role(), []),
        (CLUSTER_ROLE, role(PODS, URLS), []),
        (
            ROLE,
            role(URLS),
            [
                'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: '
                "namespaced rules cannot apply to non-resource URLs"
            ],
        ),
        (
            ROLE,
            role({**PODS, "verbs": []}),
            ["rules[0].verbs: Required value: verbs must contain at least one value"],
        ),
        (
            ROLE,
            role(PODS, {"verbs": ["get"]}),
            [
                "rules[1].apiGroups: Required value: resource rules must supply at least one api group",
                "rules[1].resources: Required value: resource rules must supply at least one resource",
            ],
        ),
        (
            CLUSTER_ROLE,
            role({**URLS, **PODS}),
            [
                'rules[0].nonResourceURLs: Invalid value: ["/metrics"]: '
                "rules cannot apply to both regular resources and non-resource URLs"
            ],
        ),
        (
            CLUSTER_ROLE,
            role(aggregationRule={"clusterRoleSelectors": []}),
            [
                "aggregationRule.clusterRoleSelectors: Required value: "
                "at least one clusterRoleSelector required if aggregationRule is non-nil"
            ],
        ),
        (ROLE_BINDING, binding(JANE), []),
        (ROLE_BINDING, binding(JANE, "ClusterRole"), []),
        (ROLE_BINDING, binding({"kind": "ServiceAccount", "name": "ci"}), []),
        (
            CLUSTER_ROLE_BINDING,
            binding({"kind": "ServiceAccount", "name": "ci"}, "ClusterRole"),
            ["subjects[0].namespace: Required value"],
        ),
        (
            CLUSTER_ROLE_BINDING,
            binding(JANE),
            ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
        ),
        (
            ROLE_BINDING,
            binding({"kind": "Robot", "name": "r2"}),
            ['subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"'],
        ),
        (
            ROLE_BINDING,
            binding({**JANE, "apiGroup": "x"}),
            [f'subjects[0].apiGroup: Unsupported value: "x": supported values: "{GROUP}"'],
        ),
        (ROLE_BINDING, binding(JANE, name="a/b"), ["roleRef.name: Invalid value: \"a/b\": may not contain '/'"]),
    ],
)
def test_rules(kind: Kind, obj: Object, expected: list[str]) -> None:
    assert problems(kind, obj) == expected


def test_defaults() -> None:
    obj = binding({"kind": "ServiceAccount", "name": "ci"})
    obj["subjects"].append({"kind": "Group", "name": "dev"})
    ROLE_BINDING.strategy.default(obj)
    assert obj["roleRef"]["apiGroup"] == GROUP
    assert obj["subjects"][0] == {"kind": "ServiceAccount", "name": "ci", "namespace": "shop"}
    assert obj["subjects"][1] == {"kind": "Group", "name": "dev", "apiGroup": GROUP}


def test_the_role_of_a_binding_stays() -> None:
    [error] = ROLE_BINDING.strategy.validate_update(binding(JANE), binding(JANE, name="other"))
    assert (error.field, error.message.endswith("cannot change roleRef")) == ("roleRef", True)


@pytest.mark.parametrize(("name", "good"), [("system:node", True), ("a.b", True), ("..", False), ("a%b", False)])
def test_names(name: str, good: bool) -> None:
    assert (ROLE.strategy.name_problems(name) == []) == good
