"""The virtual kinds: questions about who somebody is and what he may do, answered as they are created."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from orchestrator.api.access import Access
from orchestrator.api.errors import BadRequest, FieldError, invalid, invalid_object, required
from orchestrator.api.groups import reviews
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, metadata
from orchestrator.api.request import Request, User
from orchestrator.api.times import rfc3339
from orchestrator.server.backend import Backend
from orchestrator.server.decode import decode
from orchestrator.server.jwt import InvalidToken
from orchestrator.server.results import Single

#: The fields of resourceAttributes, which are also an Access'.
_ATTRIBUTES = ("verb", "group", "resource", "subresource", "namespace", "name")

#: (backend, request, the question, who asks) -> its `status`.
Answer = Callable[[Backend, Request, Object, User], Object]


def _subject_access(backend: Backend, request: Request, review: Object, _user: User) -> Object:
    spec = review.get("spec") or {}
    errors = list(_attribute_errors(spec))
    if not spec.get("user") and not spec.get("groups"):
        errors.append(required("spec.user", "at least one of user or group must be specified"))
    _refuse(request, errors)
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    subject = User(spec.get("user") or "", tuple(spec.get("groups") or ()), spec.get("uid") or "", extra)
    return _decision(backend, subject, _access(spec))


def _local_subject_access(backend: Backend, request: Request, review: Object, user: User) -> Object:
    attributes = (review.get("spec") or {}).get("resourceAttributes") or {}
    if attributes.get("namespace") != request.namespace:
        why = f"must match metadata.namespace: {request.namespace}"
        _refuse(request, [invalid("spec.resourceAttributes.namespace", attributes.get("namespace") or "", why)])
    return _subject_access(backend, request, review, user)


def _self_subject_access(backend: Backend, request: Request, review: Object, user: User) -> Object:
    spec = review.get("spec") or {}
    _refuse(request, list(_attribute_errors(spec)))
    return _decision(backend, user, _access(spec))


def _self_subject_rules(backend: Backend, _request: Request, review: Object, user: User) -> Object:
    namespace = (review.get("spec") or {}).get("namespace")
    if not namespace:
        raise BadRequest("no namespace on request")
    rules = [rule.object() for rule in backend.security.authorizer.rules(user, namespace)]
    urls = [rule for rule in rules if "nonResourceURLs" in rule]
    return {
        "resourceRules": [rule for rule in rules if "nonResourceURLs" not in rule],
        "nonResourceRules": urls,
        "incomplete": False,
    }


def _self_subject(_backend: Backend, _request: Request, _review: Object, user: User) -> Object:
    return {"userInfo": _user_info(user)}


def _token(backend: Backend, _request: Request, review: Object, _user: User) -> Object:
    spec = review.get("spec") or {}
    if not spec.get("token"):
        raise BadRequest("token is required for TokenReview in authentication")
    security = backend.security
    audiences = spec.get("audiences") or [security.accounts.issuer]
    try:
        found = security.bearers.user(spec["token"], audiences)
    except InvalidToken as error:
        return {"user": {}, "error": f"[invalid bearer token, {error}]"}
    return {"authenticated": True, "user": _user_info(found), "audiences": audiences}


def _answered(answer: Answer) -> Callable[[Backend, Request, User], Single]:
    """The handler of a virtual kind: the question with its answer in it."""

    def handle(backend: Backend, request: Request, user: User) -> Single:
        review, warnings = decode(request)
        metadata(review)["creationTimestamp"] = rfc3339(backend.clock.now())
        return Single(orjson.dumps({**review, "status": answer(backend, request, review, user)}), 201, tuple(warnings))

    return handle


REVIEWS: Mapping[Kind, Callable[[Backend, Request, User], Single]] = {
    reviews.SUBJECT_ACCESS_REVIEW: _answered(_subject_access),
    reviews.LOCAL_SUBJECT_ACCESS_REVIEW: _answered(_local_subject_access),
    reviews.SELF_SUBJECT_ACCESS_REVIEW: _answered(_self_subject_access),
    reviews.SELF_SUBJECT_RULES_REVIEW: _answered(_self_subject_rules),
    reviews.SELF_SUBJECT_REVIEW: _answered(_self_subject),
    reviews.SELF_SUBJECT_REVIEW_V1BETA1: _answered(_self_subject),
    reviews.TOKEN_REVIEW: _answered(_token),
}


def _attribute_errors(spec: Object) -> list[FieldError]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        why = "cannot be specified in combination with resourceAttributes"
        return [invalid("spec.nonResourceAttributes", path, why)]
    if resource is None and path is None:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        return [invalid("spec.resourceAttributes", None, why)]
    return []


def _refuse(request: Request, errors: list[FieldError]) -> None:
    if errors:
        raise invalid_object(request.kind.kind, request.kind.group, "", errors)


def _access(spec: Object) -> Access:
    if (path := spec.get("nonResourceAttributes")) is not None:
        return Access(path.get("verb") or "", path=path.get("path") or "/")
    asked = spec.get("resourceAttributes") or {}
    verb, group, resource, subresource, namespace, name = (str(asked.get(field) or "") for field in _ATTRIBUTES)
    return Access(verb, group, resource, subresource, namespace, name)


def _decision(backend: Backend, user: User, access: Access) -> Object:
    decision = backend.security.authorizer.decide(user, access)
    return {"allowed": decision.allowed} | ({"reason": decision.reason} if decision.reason else {})


def _user_info(user: User) -> Object:
    info = {
        "username": user.name,
        "uid": user.uid,
        "groups": list(user.groups),
        "extra": {key: list(values) for key, values in user.extra.items()},
    }
    return {field: value for field, value in info.items() if value}
