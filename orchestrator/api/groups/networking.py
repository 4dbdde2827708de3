"""The group `networking.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.ingress import IngressClassStrategy, IngressStrategy
from orchestrator.api.strategies.networkpolicy import NetworkPolicyStrategy

_GROUP = "networking.k8s.io"
INGRESS = Kind(
    _GROUP,
    "v1",
    "Ingress",
    "ingresses",
    short_names=("ing",),
    subresources=("status",),
    strategy=IngressStrategy(),
)
INGRESS_CLASS = Kind(_GROUP, "v1", "IngressClass", "ingressclasses", namespaced=False, strategy=IngressClassStrategy())
NETWORK_POLICY = Kind(
    _GROUP, "v1", "NetworkPolicy", "networkpolicies", short_names=("netpol",), strategy=NetworkPolicyStrategy()
)

KINDS = (
    INGRESS,
    INGRESS_CLASS,
    NETWORK_POLICY,
)
