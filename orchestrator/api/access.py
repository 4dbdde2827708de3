"""What somebody wants to do, as authorisation sees it: a verb on a resource, or on a path that is no resource."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.api.errors import BadRequest, Forbidden
from orchestrator.api.request import Request, User
from orchestrator.api.selectors import FieldSelector, parse_field_selector

MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
BOOTSTRAPPERS = "system:bootstrappers"
ANONYMOUS = "system:anonymous"

_COLLECTION = frozenset({"list", "watch", "deletecollection"})


@dataclass(frozen=True, slots=True)
class Access:
    """`path` is "" for resources, and all that is set beside `verb` otherwise. `namespace` "" is the whole cluster."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    #: What a list or watch is narrowed down to.
    fields: FieldSelector | None = None

    @property
    def full_resource(self) -> str:
        """`pods/log`: the resource as roles name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def access_of(request: Request) -> Access:
    """As `k8s.io/apiserver/pkg/endpoints/request` tells it: a list of one name is about that name, and a namespace
    lies in itself."""
    kind, name, fields = request.kind, request.name, None
    if request.verb in _COLLECTION and (text := request.options.get("fieldSelector", "")):
        fields = _selector(text)
        name = (fields.value("metadata.name") if fields else None) or ""
    namespace = request.name if not kind.group and kind.plural == "namespaces" else request.namespace
    return Access(request.verb, kind.group, kind.plural, request.subresource, namespace, name, fields=fields)


def _selector(text: str) -> FieldSelector | None:
    try:
        return parse_field_selector(text)
    except BadRequest:
        return None  # narrows nothing down; the handler tells the client what is wrong with it


def forbidden(user: User, access: Access, reason: str = "") -> Forbidden:
    """403 in Kubernetes' words (`k8s.io/apiserver/pkg/endpoints/handlers/responsewriters`)."""
    because = f": {reason}" if reason else ""
    who = f'User "{user.name}" cannot {access.verb}'
    if access.path:
        return Forbidden(f'forbidden: {who} path "{access.path}"{because}')
    where = f'in the namespace "{access.namespace}"' if access.namespace else "at the cluster scope"
    what = f'resource "{access.full_resource}" in API group "{access.group}" {where}'
    subject = f"{access.resource}.{access.group}" if access.group else access.resource
    named = f'{subject} "{access.name}"' if access.name else subject
    details = {"name": access.name, "group": access.group, "kind": access.resource}
    return Forbidden(
        f"{named} is forbidden: {who} {what}{because}",
        details={field: value for field, value in details.items() if value},
    )
