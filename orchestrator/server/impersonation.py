"""Acting as somebody else: the headers `Impersonate-User`, `-Group`, `-Uid` and `-Extra-KEY`.

As `k8s.io/apiserver/pkg/endpoints/filters/impersonation.go`: each part needs the verb `impersonate` on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from orchestrator.api.access import Access
from orchestrator.api.errors import BadRequest
from orchestrator.api.rbac import account_groups, account_of
from orchestrator.api.request import User
from orchestrator.server.authentication import with_implied_group
from orchestrator.server.authorization import Authorizer
from orchestrator.server.connection import VALUE_SEPARATOR

_PREFIX = "HTTP_IMPERSONATE_"
_EXTRA = "EXTRA_"
_AUTHENTICATION = "authentication.k8s.io"


def impersonated(user: User, environ: Mapping[str, Any], authorizer: Authorizer) -> User:
    """Whom the request is to be answered as. Raises Forbidden, BadRequest."""
    headers = {
        variable.removeprefix(_PREFIX): tuple(str(value).split(VALUE_SEPARATOR))
        for variable, value in environ.items()
        if variable.startswith(_PREFIX)
    }
    if not headers:
        return user
    wanted = _wanted(headers)
    for access in _accesses(wanted):
        authorizer.require(user, access)
    account = account_of(wanted.name)
    groups = wanted.groups or (account_groups(account[0]) if account else ())
    return with_implied_group(User(wanted.name, groups, wanted.uid, wanted.extra))


def _wanted(headers: Mapping[str, tuple[str, ...]]) -> User:
    name = headers.get("USER", ("",))[0]
    if not name:
        raise BadRequest("the headers Impersonate-Group, -Uid and -Extra-... need Impersonate-User")
    # The gateway tells no dash from an underscore; keys are lower case, as in Kubernetes, and have dashes.
    extra = {
        unquote(header.removeprefix(_EXTRA).replace("_", "-")).lower(): values
        for header, values in headers.items()
        if header.startswith(_EXTRA)
    }
    return User(name, headers.get("GROUP", ()), headers.get("UID", ("",))[0], extra)


def _accesses(wanted: User) -> Iterator[Access]:
    account = account_of(wanted.name)
    if account is not None:
        yield Access("impersonate", "", "serviceaccounts", namespace=account[0], name=account[1])
    else:
        yield Access("impersonate", "", "users", name=wanted.name)
    for group in wanted.groups:
        yield Access("impersonate", "", "groups", name=group)
    if wanted.uid:
        yield Access("impersonate", _AUTHENTICATION, "uids", name=wanted.uid)
    for key, values in wanted.extra.items():
        for value in values:
            yield Access("impersonate", _AUTHENTICATION, "userextras", key, name=value)
