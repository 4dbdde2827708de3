"""Certificate signing requests: nodes' are approved where RBAC says so, approved ones signed, old ones removed."""

from __future__ import annotations

import base64
import copy

from orchestrator.api.certificates import APPROVED, FAILED, pem
from orchestrator.api.groups.certificates import CERTIFICATE_SIGNING_REQUEST
from orchestrator.api.groups.reviews import SUBJECT_ACCESS_REVIEW
from orchestrator.api.meta import Key, Object, key, name, set_condition, spec, uid
from orchestrator.api.times import rfc3339
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.certificates_plan import expires, problem, right, step

#: How long a certificate lasts, in seconds, unless the request wants less.
_YEAR = 365 * 86400
_APPROVALS = {
    "selfnodeclient": "Auto approving self kubelet client certificate after SubjectAccessReview.",
    "nodeclient": "Auto approving kubelet client certificate after SubjectAccessReview.",
}


class CertificateController(Controller):
    name = "certificate-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._pki = context.settings.pki
        self._requests = self.informer(CERTIFICATE_SIGNING_REQUEST)
        self._requests.add_handler(lambda old, new: self.queue.add(key(new or old or {})))

    def sync(self, key: Key) -> None:
        csr = self._requests.cache.get(key)
        if csr is None:
            return
        left = expires(csr) - self.clock.now()
        if left <= 0:
            self.client.delete(CERTIFICATE_SIGNING_REQUEST, name(csr), uid=uid(csr))
            return
        match step(csr):
            case "ask":
                self._ask(csr)
            case "sign":
                self._sign(csr)
        self.look_again(key, left)

    def _ask(self, csr: Object) -> None:
        needed = right(csr)
        asked = spec(csr)
        attributes = {
            "verb": "create",
            "group": CERTIFICATE_SIGNING_REQUEST.group,
            "resource": CERTIFICATE_SIGNING_REQUEST.plural,
            "subresource": needed,
        }
        author = {
            "user": asked.get("username"),
            "uid": asked.get("uid"),
            "groups": asked.get("groups"),
            "extra": asked.get("extra"),
        }
        question = {field: value for field, value in author.items() if value} | {"resourceAttributes": attributes}
        if self.client.create(SUBJECT_ACCESS_REVIEW, {"metadata": {}, "spec": question})["status"]["allowed"]:
            self._tell(csr, APPROVED, "AutoApproved", _APPROVALS[needed], "approval")

    def _sign(self, csr: Object) -> None:
        if why := problem(csr):
            self._tell(csr, FAILED, "SignerValidationFailure", why, "status")
            return
        # Only a cluster in which somebody asks for a certificate pays for the cryptography.
        from orchestrator.util import pki

        seconds = min(spec(csr).get("expirationSeconds") or _YEAR, _YEAR)
        uses = [use for use in pki.USES if use in spec(csr)["usages"]]
        try:
            signed = pki.sign(self._pki, pem(csr), uses, seconds)
        except ValueError as error:
            self._tell(csr, FAILED, "SigningError", str(error), "status")
            return
        new = copy.deepcopy(csr)
        new.setdefault("status", {})["certificate"] = base64.b64encode(signed).decode()
        self.client.update_status(CERTIFICATE_SIGNING_REQUEST, new)

    def _tell(self, csr: Object, type: str, reason: str, message: str, subresource: str) -> None:
        """Add the condition."""
        now = rfc3339(self.clock.now())
        new = copy.deepcopy(csr)
        conditions = new.setdefault("status", {}).setdefault("conditions", [])
        told = {"type": type, "status": "True", "reason": reason, "message": message, "lastUpdateTime": now}
        set_condition(conditions, told, now)
        self.client.update(CERTIFICATE_SIGNING_REQUEST, new, subresource=subresource)
