"""The group `certificates.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

CERTIFICATE_SIGNING_REQUEST = Kind(
    "certificates.k8s.io",
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
    namespaced=False,
    short_names=("csr",),
    subresources=("status", "approval"),
    rules="certificatesigningrequest:CertificateSigningRequestStrategy",
)

KINDS = (CERTIFICATE_SIGNING_REQUEST,)
