"""What a certificate signing request asks for, and which requests each of Kubernetes' signers grants (pure).

Signers and their rules are those documented for `certificates.k8s.io/v1` and of
`k8s.io/kubernetes/pkg/apis/certificates/helpers.go`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.api.meta import Object, spec

CLIENT = "kubernetes.io/kube-apiserver-client"
KUBELET_CLIENT = "kubernetes.io/kube-apiserver-client-kubelet"
KUBELET_SERVING = "kubernetes.io/kubelet-serving"

APPROVED, DENIED, FAILED = "Approved", "Denied", "Failed"

_NODES = "system:nodes"
_NODE = "system:node:"
#: What every certificate may be used for, and what the signers add to it.
_BASE = frozenset({"digital signature", "key encipherment"})
_NEEDED: Mapping[str, str] = {CLIENT: "client auth", KUBELET_CLIENT: "client auth", KUBELET_SERVING: "server auth"}


class UnreadableRequest(ValueError):
    """The request cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom, and what hosts, a certificate is to speak for."""

    common_name: str
    organizations: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    #: E-mail addresses and URIs.
    others: tuple[str, ...] = ()


def pem(csr: Object) -> bytes:
    """The request of a CertificateSigningRequest. Raises UnreadableRequest."""
    try:
        return base64.b64decode(spec(csr).get("request") or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableRequest(f"illegal base64 data: {error}") from error


def subject(request: bytes) -> Subject:
    """Whom a PEM request (PKCS#10), whose signature must be its key's own, is about. Raises UnreadableRequest."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.x509.oid import NameOID

    try:
        parsed = x509.load_pem_x509_csr(request)
        signed = parsed.is_signature_valid
        attributes = [(attribute.oid, str(attribute.value)) for attribute in parsed.subject]
        found = [e.value for e in parsed.extensions if isinstance(e.value, x509.SubjectAlternativeName)]
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    ) as error:
        raise UnreadableRequest("PEM block type must be CERTIFICATE REQUEST, with a PKCS#10 request in it") from error
    if not signed:
        raise UnreadableRequest("the signature is not that of the request's own key")
    names = [(isinstance(name, x509.DNSName | x509.IPAddress), str(name.value)) for value in found for name in value]
    return Subject(
        next((value for oid, value in attributes if oid == NameOID.COMMON_NAME), ""),
        tuple(value for oid, value in attributes if oid == NameOID.ORGANIZATION_NAME),
        tuple(value for is_host, value in names if is_host),
        tuple(value for is_host, value in names if not is_host),
    )


def refusal(signer: str, wanted: Subject, usages: frozenset[str]) -> str:
    """Why the signer, one of Kubernetes' own, does not grant this; "" when it does."""
    needed = _NEEDED[signer]
    if needed not in usages or not usages <= _BASE | {needed}:
        return f"usages did not match {sorted({'digital signature', needed})}, with or without key encipherment"
    if signer == CLIENT:
        return ""
    if wanted.organizations != (_NODES,):
        return "subject organization is not system:nodes"
    if not wanted.common_name.startswith(_NODE):
        return "subject common name does not begin with system:node:"
    if wanted.others:
        return "e-mail and URI subjectAltNames are not allowed"
    if signer == KUBELET_CLIENT and wanted.hosts:
        return "DNS and IP subjectAltNames are not allowed"
    if signer == KUBELET_SERVING and not wanted.hosts:
        return "DNS or IP subjectAltName is required"
    return ""


def signs(signer: str) -> bool:
    """True for the signers that the cluster itself runs; others have a controller of their owner's."""
    return signer in _NEEDED
