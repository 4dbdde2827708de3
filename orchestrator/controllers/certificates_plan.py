"""What becomes of a certificate signing request: what is due now, and when it is thrown away (pure).

As Kubernetes' csrapproving, csrsigning and csrcleaner controllers.
"""

from __future__ import annotations

from typing import Literal

from orchestrator.api.certificates import (
    APPROVED,
    DENIED,
    FAILED,
    KUBELET_CLIENT,
    UnreadableRequest,
    pem,
    refusal,
    signs,
    subject,
)
from orchestrator.api.meta import Object, condition, metadata, spec, status
from orchestrator.api.times import parse

Step = Literal["", "ask", "sign"]

#: Seconds that a request is kept: undecided, and after it was decided or signed.
_PENDING, _DONE = 24 * 3600, 3600


def step(csr: Object) -> Step:
    """`ask` whether a node's request may be approved without a person; `sign` what is approved."""
    if _is_settled(csr):
        return ""
    if condition(csr, APPROVED):
        return "sign" if signs(spec(csr)["signerName"]) else ""
    return "ask" if spec(csr)["signerName"] == KUBELET_CLIENT and not problem(csr) else ""


def right(csr: Object) -> str:
    """The subresource that the request's author must be allowed to create for it to be approved at once."""
    return "selfnodeclient" if spec(csr).get("username") == subject(pem(csr)).common_name else "nodeclient"


def problem(csr: Object) -> str:
    """Why the request's signer, one of the cluster's, will not sign it; "" when it will."""
    try:
        wanted = subject(pem(csr))
    except UnreadableRequest as error:
        return str(error)
    return refusal(spec(csr)["signerName"], wanted, frozenset(spec(csr)["usages"]))


def expires(csr: Object) -> float:
    """When the request is thrown away, in seconds since the epoch. Whoever waits for a certificate has fetched it."""
    moments = [
        parse(moment)
        for each in status(csr).get("conditions") or ()
        if (moment := each.get("lastUpdateTime") or each.get("lastTransitionTime"))
    ]
    if moments and _is_settled(csr):
        return max(moments) + _DONE
    return parse(metadata(csr)["creationTimestamp"]) + _PENDING


def _is_settled(csr: Object) -> bool:
    """Denied, failed or signed: nothing more is done."""
    return bool(condition(csr, DENIED) or condition(csr, FAILED) or status(csr).get("certificate"))
