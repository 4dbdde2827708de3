"""Who asks for a certificate, who may approve that, and who may sign.

Kubernetes' plugins CertificateApproval, CertificateSigning and CertificateSubjectRestriction, and what its registry
writes into a new request (`k8s.io/kubernetes/pkg/registry/certificates`).
"""

from __future__ import annotations

from orchestrator.api.access import MASTERS, Access
from orchestrator.api.certificates import APPROVED, CLIENT, DENIED, UnreadableRequest, pem, subject
from orchestrator.api.groups.certificates import CERTIFICATE_SIGNING_REQUEST
from orchestrator.api.meta import Object, spec, status
from orchestrator.api.request import User
from orchestrator.server.admission.base import Attributes, Plugin
from orchestrator.server.admission.namespaces import forbidden
from orchestrator.server.authorization import Authorizer

_DECISIONS = (APPROVED, DENIED)
#: The fields of a request's spec that tell who made it.
_AUTHOR = ("username", "uid", "groups", "extra")


class CertificateRequests(Plugin):
    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def admit(self, attributes: Attributes) -> None:
        new, old = attributes.new, attributes.old
        if attributes.kind is not CERTIFICATE_SIGNING_REQUEST or new is None:
            return
        if old is None:
            given = {field: value for field, value in spec(new).items() if field not in _AUTHOR}
            new["spec"] = given | _asked_by(attributes.user)
            _check_subject(attributes, new)
        elif attributes.subresource == "approval":
            self._require("approve", attributes, new)
        elif attributes.subresource == "status":
            _keep_decisions(new, old)
            if status(new) != status(old):
                self._require("sign", attributes, new)

    def _require(self, verb: str, attributes: Attributes, csr: Object) -> None:
        """The user may do so with the signer's requests, or with all of its domain."""
        signer = spec(csr)["signerName"]
        for name in (signer, f"{signer.partition('/')[0]}/*"):
            access = Access(verb, attributes.kind.group, "signers", name=name)
            if self._authorizer.decide(attributes.user, access).allowed:
                return
        why = f'user not permitted to {verb} requests with signerName "{signer}"'
        raise forbidden(attributes.kind, attributes.name, why)


def _asked_by(user: User) -> Object:
    """What a request says of its author."""
    extra = {key: list(values) for key, values in user.extra.items()}
    about = zip(_AUTHOR, (user.name, user.uid, list(user.groups), extra), strict=True)
    return {field: value for field, value in about if value}


def _check_subject(attributes: Attributes, csr: Object) -> None:
    """No certificate makes an administrator that no role can hold back."""
    if spec(csr).get("signerName") != CLIENT:
        return
    try:
        groups = subject(pem(csr)).organizations
    except UnreadableRequest:
        return  # validation says so
    if MASTERS in groups:
        why = f"use of {CLIENT} signer with {MASTERS} group is not allowed"
        raise forbidden(attributes.kind, attributes.name, why)


def _keep_decisions(new: Object, old: Object) -> None:
    """Whoever signs does not approve."""
    kept = [c for c in status(old).get("conditions") or () if c["type"] in _DECISIONS]
    others = [c for c in status(new).get("conditions") or () if c.get("type") not in _DECISIONS]
    if kept or others:
        new["status"]["conditions"] = [*kept, *others]
    else:
        new["status"].pop("conditions", None)
