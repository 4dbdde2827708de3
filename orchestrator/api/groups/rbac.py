"""The group `rbac.authorization.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

RBAC_GROUP = "rbac.authorization.k8s.io"
ROLE = Kind(RBAC_GROUP, "v1", "Role", "roles", rules="rbac:RoleStrategy")
CLUSTER_ROLE = Kind(RBAC_GROUP, "v1", "ClusterRole", "clusterroles", namespaced=False, rules="rbac:ClusterRoleStrategy")
ROLE_BINDING = Kind(RBAC_GROUP, "v1", "RoleBinding", "rolebindings", rules="rbac:RoleBindingStrategy")
CLUSTER_ROLE_BINDING = Kind(
    RBAC_GROUP,
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings",
    namespaced=False,
    rules="rbac:ClusterRoleBindingStrategy",
)

KINDS = (
    ROLE,
    CLUSTER_ROLE,
    ROLE_BINDING,
    CLUSTER_ROLE_BINDING,
)
