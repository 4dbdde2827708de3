"""The group `rbac.authorization.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.rbac import (
    ClusterRoleBindingStrategy,
    ClusterRoleStrategy,
    RoleBindingStrategy,
    RoleStrategy,
)

RBAC_GROUP = "rbac.authorization.k8s.io"
ROLE = Kind(RBAC_GROUP, "v1", "Role", "roles", strategy=RoleStrategy())
CLUSTER_ROLE = Kind(RBAC_GROUP, "v1", "ClusterRole", "clusterroles", namespaced=False, strategy=ClusterRoleStrategy())
ROLE_BINDING = Kind(RBAC_GROUP, "v1", "RoleBinding", "rolebindings", strategy=RoleBindingStrategy())
CLUSTER_ROLE_BINDING = Kind(
    RBAC_GROUP,
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings",
    namespaced=False,
    strategy=ClusterRoleBindingStrategy(),
)

KINDS = (
    ROLE,
    CLUSTER_ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE_BINDING,
)
