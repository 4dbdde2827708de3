"""The roles and bindings every cluster begins with: those of people, and those of Kubernetes' own parts.

Names, rules and labels are those of `k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy`, for the kinds
that there are; what they allow is written by group of kinds here.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.access import AUTHENTICATED, BOOTSTRAPPERS, MASTERS, UNAUTHENTICATED
from orchestrator.api.groups.metrics import METRICS_GROUP
from orchestrator.api.groups.rbac import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, RBAC_GROUP
from orchestrator.api.meta import Object

#: "true" on what is mended at each start of the server; users set "false" to keep their own version.
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
CERTIFICATES = "certificates.k8s.io"
_CERTIFICATES_ROLE = "system:certificates.k8s.io:certificatesigningrequests:"
_AGGREGATE_TO = "rbac.authorization.k8s.io/aggregate-to-"

_READ = "get list watch"
_WRITE = "create delete deletecollection patch update"
_EVENTS = "create patch update"
_UPDATE = "patch update"

#: What a namespace's people work with, by API group.
_WORK = {
    "": "configmaps endpoints persistentvolumeclaims pods replicationcontrollers replicationcontrollers/scale "
    "serviceaccounts services",
    "apps": "daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "networking.k8s.io": "ingresses networkpolicies",
    "policy": "poddisruptionbudgets",
}
#: What they only look at.
_STATUS = {
    "": "bindings events limitranges namespaces namespaces/status persistentvolumeclaims/status pods/log pods/status "
    "replicationcontrollers/status resourcequotas resourcequotas/status services/status",
    "apps": "controllerrevisions daemonsets/status deployments/status replicasets/status statefulsets/status",
    "autoscaling": "horizontalpodautoscalers/status",
    "batch": "cronjobs/status jobs/status",
    "discovery.k8s.io": "endpointslices",
    "networking.k8s.io": "ingresses/status",
    "policy": "poddisruptionbudgets/status",
}
_DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz")
_PUBLIC = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_ISSUER = (
    "/.well-known/openid-configuration",
    "/.well-known/openid-configuration/",
    "/openid/v1/jwks",
    "/openid/v1/jwks/",
)
#: What controllers make; they may read, change and delete everything, as collecting garbage needs it.
_MADE = {
    "": "configmaps endpoints events persistentvolumeclaims persistentvolumes pods pods/eviction resourcequotas "
    "secrets serviceaccounts serviceaccounts/token",
    "apps": "controllerrevisions replicasets",
    "authentication.k8s.io": "tokenreviews",
    "authorization.k8s.io": "subjectaccessreviews",
    "batch": "jobs",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "events.k8s.io": "events",
}


def rule(verbs: str, groups: str | Sequence[str], resources: str, names: str = "") -> Object:
    """A rule on resources; all lists are words with blanks between."""
    wanted = [groups] if isinstance(groups, str) else list(groups)
    found = {"verbs": verbs.split(), "apiGroups": wanted, "resources": resources.split()}
    return found | ({"resourceNames": names.split()} if names else {})


def _urls(urls: Sequence[str], verbs: str = "get") -> Object:
    return {"verbs": verbs.split(), "nonResourceURLs": list(urls)}


def _each(verbs: str, by_group: dict[str, str]) -> list[Object]:
    return [rule(verbs, group, resources) for group, resources in by_group.items()]


def _role(name: str, rules: Sequence[Object] = (), *, labels: Sequence[str] = (), gathers: str = "") -> Object:
    """A ClusterRole. `labels` are the roles that take its rules in; `gathers` is the label whose roles it takes in."""
    role: Object = {"metadata": _meta(name), "rules": list(rules)}
    role["metadata"]["labels"] |= {f"{_AGGREGATE_TO}{to}": "true" for to in labels}
    if gathers:
        selector = {"matchLabels": {f"{_AGGREGATE_TO}{gathers}": "true"}}
        role["aggregationRule"] = {"clusterRoleSelectors": [selector]}
    return {"apiVersion": CLUSTER_ROLE.api_version, "kind": CLUSTER_ROLE.kind, **role}


def _binding(role: str, kind: str, *names: str) -> Object:
    """A ClusterRoleBinding of the role's name."""
    return {
        "apiVersion": CLUSTER_ROLE_BINDING.api_version,
        "kind": CLUSTER_ROLE_BINDING.kind,
        "metadata": _meta(role),
        "roleRef": {"apiGroup": RBAC_GROUP, "kind": CLUSTER_ROLE.kind, "name": role},
        "subjects": [{"apiGroup": RBAC_GROUP, "kind": kind, "name": name} for name in names],
    }


def _meta(name: str) -> Object:
    return {
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {AUTOUPDATE: "true"},
    }


def cluster_roles() -> list[Object]:
    return [*_peoples_roles(), *_public_roles(), *_components_roles()]


def cluster_role_bindings() -> list[Object]:
    return [
        _binding("cluster-admin", "Group", MASTERS),
        _binding("system:discovery", "Group", AUTHENTICATED),
        _binding("system:basic-user", "Group", AUTHENTICATED),
        _binding("system:public-info-viewer", "Group", AUTHENTICATED, UNAUTHENTICATED),
        _binding("system:service-account-issuer-discovery", "Group", "system:serviceaccounts"),
        # Wider than Kubernetes': on a laptop everybody may look at the figures.
        _binding("system:monitoring", "Group", "system:monitoring", AUTHENTICATED),
        _binding("system:kube-scheduler", "User", "system:kube-scheduler"),
        _binding("system:kube-controller-manager", "User", "system:kube-controller-manager"),
        # What kubeadm binds: who has a bootstrap token becomes a node, and a node renews its certificate.
        _binding("system:node-bootstrapper", "Group", BOOTSTRAPPERS),
        _binding(f"{_CERTIFICATES_ROLE}nodeclient", "Group", BOOTSTRAPPERS),
        _binding(f"{_CERTIFICATES_ROLE}selfnodeclient", "Group", "system:nodes"),
        _binding("system:node-proxier", "User", "system:kube-proxy"),
    ]


def _peoples_roles() -> list[Object]:
    everything = [rule("*", "*", "*"), _urls(["*"], "*")]
    admin = [
        rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
        rule(f"{_READ} {_WRITE}", RBAC_GROUP, "rolebindings roles"),
    ]
    edit = [
        rule(f"{_READ}", "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
        rule("impersonate", "", "serviceaccounts"),
        rule(_WRITE, "", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
        rule("create", "", "pods/eviction serviceaccounts/token"),
        rule(_WRITE, "", "events"),
        *_each(_WRITE, _WORK | {"apps": f"{_WORK['apps']} deployments/rollback"}),
        rule(f"{_READ} {_WRITE}", "coordination.k8s.io", "leases"),
    ]
    return [
        _role("cluster-admin", everything),
        _role("admin", gathers="admin"),
        _role("edit", labels=["admin"], gathers="edit"),
        _role("view", labels=["edit"], gathers="view"),
        # Not of Kubernetes but of metrics-server, whose API is served here.
        _role(
            "system:aggregated-metrics-reader",
            [rule(_READ, METRICS_GROUP, "nodes pods")],
            labels=["admin", "edit", "view"],
        ),
        _role("system:aggregate-to-admin", admin, labels=["admin"]),
        _role("system:aggregate-to-edit", edit, labels=["edit"]),
        _role("system:aggregate-to-view", [*_each(_READ, _WORK), *_each(_READ, _STATUS)], labels=["view"]),
    ]


def _public_roles() -> list[Object]:
    own = [
        rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
        rule("create", "authentication.k8s.io", "selfsubjectreviews"),
    ]
    reviews = [
        rule("create", "authentication.k8s.io", "tokenreviews"),
        rule("create", "authorization.k8s.io", "subjectaccessreviews"),
    ]
    health = ("/healthz", "/healthz/*", "/livez", "/livez/*", "/metrics", "/metrics/slis", "/readyz", "/readyz/*")
    return [
        _role("system:basic-user", own),
        _role("system:discovery", [_urls((*_DISCOVERY, "/version", "/version/"))]),
        _role("system:public-info-viewer", [_urls(_PUBLIC)]),
        _role("system:service-account-issuer-discovery", [_urls(_ISSUER)]),
        _role("system:monitoring", [_urls(health)]),
        _role("system:auth-delegator", reviews),
    ]


def _certificate_of(subresource: str) -> list[Object]:
    """Whose node certificates are approved without being asked."""
    return [rule("create", CERTIFICATES, f"certificatesigningrequests/{subresource}")]


def _components_roles() -> list[Object]:
    events = [rule(_EVENTS, ["", "events.k8s.io"], "events")]
    scheduler = [
        *events,
        rule(f"create {_UPDATE} {_READ}", "coordination.k8s.io", "leases"),
        rule(_READ, "", "namespaces nodes persistentvolumeclaims persistentvolumes replicationcontrollers services"),
        rule(f"delete {_READ}", "", "pods"),
        rule("create", "", "bindings pods/binding"),
        rule(_UPDATE, "", "pods/status persistentvolumeclaims persistentvolumes"),
        rule(_READ, "apps", "replicasets statefulsets"),
        rule(_READ, "policy", "poddisruptionbudgets"),
        rule(_READ, "storage.k8s.io", "csidrivers csinodes csistoragecapacities storageclasses"),
    ]
    controllers = [
        rule(f"{_READ} {_UPDATE} delete deletecollection", "*", "*"),
        *_each("create", _MADE),
        # What aggregates roles holds none of their rules itself.
        rule("escalate", RBAC_GROUP, "clusterroles"),
        rule("approve sign", CERTIFICATES, "signers", "kubernetes.io/*"),
    ]
    proxier = [
        *events,
        rule(_READ, "", "endpoints nodes services"),
        rule(_READ, "discovery.k8s.io", "endpointslices"),
    ]
    bootstrapper = [rule("create get list watch", CERTIFICATES, "certificatesigningrequests")]
    agents_user = [
        rule(_READ, "", "nodes"),
        rule("proxy", "", "nodes"),
        rule("*", "", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
    ]
    node = [*events, rule(_READ, "", "nodes pods services"), rule(_UPDATE, "", "nodes/status pods/status")]
    return [
        _role("system:kube-scheduler", scheduler),
        _role("system:kube-controller-manager", controllers),
        _role("system:node-proxier", proxier),
        _role("system:node-bootstrapper", bootstrapper),
        *(_role(_CERTIFICATES_ROLE + kind, _certificate_of(kind)) for kind in ("nodeclient", "selfnodeclient")),
        _role("system:kubelet-api-admin", agents_user),
        # Agents are authorised by the node authoriser; the role is there for those who look for it, and unbound.
        _role("system:node", node),
    ]
