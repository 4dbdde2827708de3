"""The group `networking.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

_GROUP = "networking.k8s.io"
INGRESS = Kind(
    _GROUP,
    "v1",
    "Ingress",
    "ingresses",
    short_names=("ing",),
    subresources=("status",),
    rules="ingress:IngressStrategy",
)
INGRESS_CLASS = Kind(
    _GROUP, "v1", "IngressClass", "ingressclasses", namespaced=False, rules="ingress:IngressClassStrategy"
)
NETWORK_POLICY = Kind(
    _GROUP,
    "v1",
    "NetworkPolicy",
    "networkpolicies",
    short_names=("netpol",),
    rules="networkpolicy:NetworkPolicyStrategy",
)

KINDS = (
    INGRESS,
    INGRESS_CLASS,
    NETWORK_POLICY,
)
