"""`serviceaccounts/NAME/token`: a token of the account, made when it is asked for (TokenRequest)."""

from __future__ import annotations

from dataclasses import replace

import orjson

from orchestrator.api.errors import BadRequest, FieldError, NotFound, invalid, invalid_object, required
from orchestrator.api.groups.core import POD, SECRET
from orchestrator.api.kinds import VIRTUAL, Kind
from orchestrator.api.meta import Object, metadata, name, namespace, spec, uid
from orchestrator.api.request import Request, User
from orchestrator.api.times import rfc3339
from orchestrator.server.admission.base import Attributes
from orchestrator.server.backend import Backend
from orchestrator.server.conflicts import conflict
from orchestrator.server.decode import decode
from orchestrator.server.results import Single

TOKEN_REQUEST = Kind("authentication.k8s.io", "v1", "TokenRequest", "tokenrequests", verbs=VIRTUAL)
_DEFAULT_SECONDS = 3600
_SHORTEST, _LONGEST = 600, 1 << 32
_BINDABLE = {kind.kind: kind for kind in (POD, SECRET)}


def create_token(backend: Backend, request: Request, user: User) -> Single:
    """Raises NotFound, BadRequest, Invalid, Conflict (what it is to be bound to is another one), Forbidden."""
    account = backend.entry(request.kind, request.namespace, request.name).object()
    asked, warnings = decode(replace(request, kind=TOKEN_REQUEST))
    if name(asked) not in ("", request.name):
        raise BadRequest(f"metadata.name {name(asked)} does not match the name on the URL ({request.name})")
    wanted = asked.setdefault("spec", {})
    wanted.setdefault("expirationSeconds", _DEFAULT_SECONDS)
    wanted["audiences"] = wanted.get("audiences") or [backend.security.accounts.issuer]
    _validate(wanted)
    attributes = Attributes("CREATE", request.kind, request.namespace, request.name, user, asked, None, "token")
    with backend.admission.admit(attributes):
        bound = _bound(backend, account, wanted.get("boundObjectRef"))
        node = str(spec(bound).get("nodeName") or "") if bound is not None and bound["kind"] == POD.kind else ""
        seconds = int(wanted["expirationSeconds"])
        issued = backend.security.accounts.issue(account, wanted["audiences"], seconds, bound, node)
    metadata(asked).update(
        name=request.name, namespace=request.namespace, creationTimestamp=rfc3339(backend.clock.now())
    )
    asked["status"] = {"token": issued.token, "expirationTimestamp": rfc3339(issued.expires)}
    return Single(orjson.dumps(asked), 201, tuple(warnings))


def _validate(wanted: Object) -> None:
    seconds, path = wanted["expirationSeconds"], "spec.expirationSeconds"
    errors: list[FieldError] = []
    if seconds < _SHORTEST:
        errors.append(invalid(path, seconds, "may not specify a duration less than 10 minutes"))
    if seconds > _LONGEST:
        errors.append(invalid(path, seconds, "may not specify a duration larger than 2^32 seconds"))
    reference = wanted.get("boundObjectRef")
    if reference is not None and not reference.get("name"):
        errors.append(required("spec.boundObjectRef.name"))
    if errors:
        raise invalid_object(TOKEN_REQUEST.kind, TOKEN_REQUEST.group, "", errors)


def _bound(backend: Backend, account: Object, reference: Object | None) -> Object | None:
    """The object that the token is to live with."""
    if reference is None:
        return None
    kind = _BINDABLE.get(reference.get("kind") or "")
    if kind is None or (reference.get("apiVersion") or "v1") != "v1":
        what = f"{reference.get('apiVersion')}, Kind={reference.get('kind')}"
        raise BadRequest(f"cannot bind token to object of type {what}: use a Pod or a Secret")
    try:
        found = backend.entry(kind, namespace(account), reference["name"]).object()
    except NotFound as error:
        raise NotFound(f"cannot bind the token: {error.message}", details=error.details) from None
    if reference.get("uid") not in (None, "", uid(found)):
        raise conflict(
            kind,
            name(found),
            f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
            "The object might have been deleted and then recreated",
        )
    if kind is POD and spec(found).get("serviceAccountName") != name(account):
        raise BadRequest(
            f'cannot bind token for serviceaccount "{name(account)}" to pod running with different serviceaccount name.'
        )
    return found
