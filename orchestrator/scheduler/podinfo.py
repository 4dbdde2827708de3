"""A pod as the scheduler sees it: read once from the object, then compared with many nodes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from orchestrator.api import meta, pods, quantity
from orchestrator.api.claims import pod_claims
from orchestrator.api.meta import Key, Object
from orchestrator.api.node_terms import NodeTerm
from orchestrator.api.pods import HostPort
from orchestrator.scheduler.affinity import PodAffinity, node_terms, pod_affinity, preferred_node_terms
from orchestrator.scheduler.constraints import SpreadConstraint, spread_constraints

#: Resource -> amount: CPU in thousandths of a core, all else in whole units (bytes, counts).
Amounts = Mapping[str, int]

#: What a container without a request counts for when nodes are compared (not when they are filtered), as in
#: `k8s.io/kubernetes/pkg/scheduler/util`: 0.1 core and 200 MB.
_DEFAULTS: Amounts = {"cpu": 100, "memory": 200 * 1024 * 1024}
#: The controllers (group, kind) whose pods are spread over nodes and zones without being asked to, as Kubernetes' are.
_SPREAD = frozenset({("", "ReplicationController"), ("apps", "ReplicaSet"), ("apps", "StatefulSet")})


@dataclass(frozen=True, slots=True, eq=False)
class PodInfo:
    """`node` is "" until the pod is bound. `owner` is the uid of its controller if that wants its pods apart, or "".

    `requests` is what must be free on a node; `weight` is what the pod counts for when nodes are compared: its
    requests, with defaults where it has none.
    """

    obj: Object
    uid: str
    key: Key
    namespace: str
    labels: Mapping[str, str]
    node: str
    priority: int
    owner: str
    deleting: bool
    requests: Amounts
    weight: Amounts
    ports: frozenset[HostPort]
    #: The names of its PersistentVolumeClaims.
    claims: tuple[str, ...]
    #: The names of its claims of devices.
    resource_claims: tuple[str, ...]
    images: tuple[str, ...]
    tolerations: tuple[Object, ...]
    node_selector: Mapping[str, str]
    #: At least one must match; None when there is no such rule.
    required_nodes: tuple[NodeTerm, ...] | None
    preferred_nodes: tuple[tuple[int, NodeTerm], ...]
    affinity: PodAffinity
    spread: tuple[SpreadConstraint, ...]


def pod_info(pod: Object) -> PodInfo:
    """Raises `orchestrator.api.errors.BadRequest` when a selector is malformed."""
    spec, labels, namespace = meta.spec(pod), meta.labels(pod), meta.namespace(pod)
    rules = spec.get("affinity") or {}
    requests = amounts(pods.requests(pod))
    return PodInfo(
        obj=pod,
        uid=meta.uid(pod),
        key=meta.key(pod),
        namespace=namespace,
        labels=labels,
        node=str(spec.get("nodeName") or ""),
        priority=int(spec.get("priority") or 0),
        owner=_spread_with(pod),
        deleting=meta.is_deleting(pod),
        requests=requests,
        weight=_weight(pod, requests),
        ports=pods.host_ports(pod),
        claims=tuple(dict.fromkeys(pod_claims(pod).values())),
        resource_claims=tuple(
            str(claim.get("resourceClaimName") or claim.get("resourceClaimTemplateName"))
            for claim in spec.get("resourceClaims") or ()
        ),
        images=tuple(str(container.get("image") or "") for container in pods.containers(pod)),
        tolerations=tuple(spec.get("tolerations") or ()),
        node_selector=spec.get("nodeSelector") or {},
        required_nodes=node_terms(rules.get("nodeAffinity")),
        preferred_nodes=preferred_node_terms(rules.get("nodeAffinity")),
        affinity=pod_affinity(rules, namespace, labels),
        spread=spread_constraints(spec.get("topologySpreadConstraints") or (), labels),
    )


def _spread_with(pod: Object) -> str:
    controller = meta.controller_of(pod) or {}
    kind = (meta.group_of(str(controller.get("apiVersion") or "")), controller.get("kind"))
    return str(controller.get("uid") or "") if kind in _SPREAD else ""


def amounts(resources: pods.Resources) -> dict[str, int]:
    """In the scheduler's units, rounded up."""
    return {name: math.ceil(amount * 1000 if name == "cpu" else amount) for name, amount in resources.items()}


def _weight(pod: Object, requests: Amounts) -> Amounts:
    weight = {name: sum(_requested(c, name) for c in pods.containers(pod)) for name in _DEFAULTS}
    # Init containers and overhead can make the pod larger than its containers.
    return {name: max(amount, requests.get(name, 0)) for name, amount in weight.items()}


def _requested(container: Object, resource: str) -> int:
    asked = ((container.get("resources") or {}).get("requests") or {}).get(resource)
    return _DEFAULTS[resource] if asked is None else amount(resource, str(asked))


@lru_cache(maxsize=1024)
def amount(resource: str, text: str) -> int:
    """A quantity in the scheduler's units. Raises ValueError."""
    return quantity.milli(text) if resource == "cpu" else quantity.integer(text)
