"""CertificateSigningRequest.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/certificates/validation`. Who asks is no client's to say:
`orchestrator.server.admission.certificates` writes it into the spec.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from orchestrator.api import names
from orchestrator.api.certificates import APPROVED, DENIED, FAILED, UnreadableRequest, pem, subject
from orchestrator.api.checks import Errors, indexed, one_of, unchanged, unique
from orchestrator.api.errors import FieldError, forbidden, invalid, required
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created
from orchestrator.api.times import age

_LEGACY = "kubernetes.io/legacy-unknown"
#: Seconds.
_SHORTEST = 600
_LASTING = (APPROVED, DENIED, FAILED)
_USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)


class CertificateSigningRequestStrategy(Strategy):
    columns = (
        NAME,
        AGE,
        Column("SignerName"),
        Column("Requestor"),
        Column("RequestedDuration"),
        Column("Condition"),
    )
    selectable = frozenset({"spec.signerName"})

    def name_problems(self, name: str) -> list[str]:
        return names.path_segment(name)

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {}

    def prepare_update(self, new: Object, old: Object) -> None:
        """Only metadata changes once it is there."""
        new["spec"] = old["spec"]

    def validate(self, obj: Object) -> list[FieldError]:
        asked = spec(obj)
        seconds = asked.get("expirationSeconds")
        errors = [*_request(obj), *_usages(asked.get("usages") or []), *_signer(asked.get("signerName") or "")]
        if seconds is not None and seconds < _SHORTEST:
            why = "may not specify a duration less than 600 seconds (10 minutes)"
            errors.append(invalid("spec.expirationSeconds", seconds, why))
        return errors

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return [*_conditions(new, old), *_certificate(new, old)]

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {"spec.signerName": spec(obj).get("signerName") or ""}

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        asked = spec(obj)
        seconds = asked.get("expirationSeconds")
        return (
            name(obj),
            created(obj, now),
            asked.get("signerName") or "<none>",
            asked.get("username") or "",
            "<none>" if seconds is None else age(seconds),
            _state(obj),
        )


def _request(csr: Object) -> Errors:
    try:
        subject(pem(csr))
    except UnreadableRequest as error:
        yield invalid("spec.request", spec(csr).get("request") or "", str(error))


def _usages(usages: Sequence[str]) -> Errors:
    if not usages:
        yield required("spec.usages")
    for path, usage in indexed("spec.usages", usages):
        yield from one_of(path, usage, _USAGES)
    yield from unique(indexed("spec.usages", usages))


def _signer(signer: str) -> Errors:
    field = "spec.signerName"
    if not signer:
        yield required(field)
        return
    if signer == _LEGACY:
        yield invalid(field, signer, "the legacy signerName is not allowed via this API version")
    domain, slash, path = signer.partition("/")
    if not slash or "/" in path:
        why = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        yield invalid(field, signer, why)
        return
    for problem in (*names.dns_subdomain(domain), *names.dns_subdomain(path)):
        yield invalid(field, signer, problem)
    if "." not in domain:
        yield invalid(field, domain, "should be a domain with at least two segments separated by dots")


def _conditions(new: Object, old: Object) -> Errors:
    field = "status.conditions"
    conditions = status(new).get("conditions") or []
    types = {condition.get("type") for condition in conditions}
    for path, condition in indexed(field, conditions):
        if not condition.get("type"):
            yield required(f"{path}.type")
        elif condition["type"] in _LASTING and condition.get("status") != "True":
            yield invalid(f"{path}.status", condition.get("status"), f"must be True for {condition['type']}")
        elif condition.get("status") not in ("True", "False", "Unknown"):
            yield from one_of(f"{path}.status", condition.get("status"), ("False", "True", "Unknown"))
    yield from unique((f"{path}.type", condition.get("type")) for path, condition in indexed(field, conditions))
    if {APPROVED, DENIED} <= types:
        yield invalid(field, DENIED, "Approved and Denied conditions are mutually exclusive")
    for gone in (
        c for c in status(old).get("conditions") or () if c.get("type") in _LASTING and c["type"] not in types
    ):
        yield forbidden(field, f"updates may not remove a condition of type {gone['type']!r}")


def _certificate(new: Object, old: Object) -> Errors:
    field = "status.certificate"
    given, there = status(new).get("certificate") or "", status(old).get("certificate") or ""
    if there:
        yield from unchanged(field, given, there)
    elif given and not _is_certificate(given):
        yield invalid(field, "<certificate data>", "must contain PEM blocks of type CERTIFICATE only")


def _is_certificate(data: str) -> bool:
    from cryptography import x509

    try:
        return bool(x509.load_pem_x509_certificates(base64.b64decode(data, validate=True)))
    except (binascii.Error, ValueError):
        return False


def _state(csr: Object) -> str:
    types = {condition.get("type") for condition in status(csr).get("conditions") or ()}
    found = [type for type in _LASTING if type in types]
    if status(csr).get("certificate"):
        found.append("Issued")
    return ",".join(found) or "Pending"
