"""The group `certificates.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.certificatesigningrequest import CertificateSigningRequestStrategy

CERTIFICATE_SIGNING_REQUEST = Kind(
    "certificates.k8s.io",
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
    namespaced=False,
    short_names=("csr",),
    subresources=("status", "approval"),
    strategy=CertificateSigningRequestStrategy(),
)

KINDS = (CERTIFICATE_SIGNING_REQUEST,)
