"""The built-in kinds: one entry each. To add a kind, write its strategy and add its entry here."""

from __future__ import annotations

from orchestrator.api.kinds import VIRTUAL, Kind, Kinds
from orchestrator.api.strategies.configmap import ConfigMapStrategy
from orchestrator.api.strategies.deployment import DeploymentStrategy
from orchestrator.api.strategies.endpoints import EndpointsStrategy
from orchestrator.api.strategies.endpointslice import EndpointSliceStrategy
from orchestrator.api.strategies.event import EventStrategy
from orchestrator.api.strategies.lease import LeaseStrategy
from orchestrator.api.strategies.namespace import NamespaceStrategy
from orchestrator.api.strategies.node import NodeStrategy
from orchestrator.api.strategies.pod import PodStrategy
from orchestrator.api.strategies.rbac import (
    ClusterRoleBindingStrategy,
    ClusterRoleStrategy,
    RoleBindingStrategy,
    RoleStrategy,
)
from orchestrator.api.strategies.replicaset import ReplicaSetStrategy
from orchestrator.api.strategies.secret import SecretStrategy
from orchestrator.api.strategies.service import ServiceStrategy
from orchestrator.api.strategies.serviceaccount import ServiceAccountStrategy

NAMESPACE = Kind(
    "",
    "v1",
    "Namespace",
    "namespaces",
    namespaced=False,
    short_names=("ns",),
    subresources=("status", "finalize"),
    strategy=NamespaceStrategy(),
)
NODE = Kind(
    "", "v1", "Node", "nodes", namespaced=False, short_names=("no",), subresources=("status",), strategy=NodeStrategy()
)
POD = Kind(
    "",
    "v1",
    "Pod",
    "pods",
    short_names=("po",),
    categories=("all",),
    subresources=("status", "binding", "log", "eviction", "exec", "attach", "portforward"),
    strategy=PodStrategy(),
)
SERVICE = Kind(
    "",
    "v1",
    "Service",
    "services",
    short_names=("svc",),
    categories=("all",),
    subresources=("status",),
    strategy=ServiceStrategy(),
)
ENDPOINTS = Kind("", "v1", "Endpoints", "endpoints", short_names=("ep",), strategy=EndpointsStrategy())
ENDPOINT_SLICE = Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", strategy=EndpointSliceStrategy())
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", short_names=("cm",), strategy=ConfigMapStrategy())
SECRET = Kind("", "v1", "Secret", "secrets", strategy=SecretStrategy())
SERVICE_ACCOUNT = Kind(
    "",
    "v1",
    "ServiceAccount",
    "serviceaccounts",
    short_names=("sa",),
    subresources=("token",),
    strategy=ServiceAccountStrategy(),
)
EVENT = Kind("", "v1", "Event", "events", short_names=("ev",), strategy=EventStrategy())
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases", strategy=LeaseStrategy())
REPLICA_SET = Kind(
    "apps",
    "v1",
    "ReplicaSet",
    "replicasets",
    short_names=("rs",),
    categories=("all",),
    subresources=("status", "scale"),
    strategy=ReplicaSetStrategy(),
)
DEPLOYMENT = Kind(
    "apps",
    "v1",
    "Deployment",
    "deployments",
    short_names=("deploy",),
    categories=("all",),
    subresources=("status", "scale"),
    strategy=DeploymentStrategy(),
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


def _question(group: str, kind: str, *, namespaced: bool = False) -> Kind:
    """A virtual kind (`orchestrator.server.reviews` answers it)."""
    return Kind(group, "v1", kind, f"{kind.lower()}s", namespaced=namespaced, verbs=VIRTUAL)


SUBJECT_ACCESS_REVIEW = _question("authorization.k8s.io", "SubjectAccessReview")
SELF_SUBJECT_ACCESS_REVIEW = _question("authorization.k8s.io", "SelfSubjectAccessReview")
LOCAL_SUBJECT_ACCESS_REVIEW = _question("authorization.k8s.io", "LocalSubjectAccessReview", namespaced=True)
SELF_SUBJECT_RULES_REVIEW = _question("authorization.k8s.io", "SelfSubjectRulesReview")
SELF_SUBJECT_REVIEW = _question("authentication.k8s.io", "SelfSubjectReview")
TOKEN_REVIEW = _question("authentication.k8s.io", "TokenReview")

BUILTIN = Kinds(
    (
        NAMESPACE,
        NODE,
        POD,
        SERVICE,
        ENDPOINTS,
        ENDPOINT_SLICE,
        CONFIG_MAP,
        SECRET,
        SERVICE_ACCOUNT,
        EVENT,
        LEASE,
        REPLICA_SET,
        DEPLOYMENT,
        ROLE,
        CLUSTER_ROLE,
        ROLE_BINDING,
        CLUSTER_ROLE_BINDING,
        SUBJECT_ACCESS_REVIEW,
        SELF_SUBJECT_ACCESS_REVIEW,
        LOCAL_SUBJECT_ACCESS_REVIEW,
        SELF_SUBJECT_RULES_REVIEW,
        SELF_SUBJECT_REVIEW,
        TOKEN_REVIEW,
    )
)
