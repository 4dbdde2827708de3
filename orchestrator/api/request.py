"""One API request, as both ends see it: the client builds it, a transport carries it, the server answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object

Verb = Literal["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class User:
    """Who asks: a certificate's CN and Os, or what a bearer token stands for."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Request:
    """`options` are the URL's query parameters under their API names (`labelSelector`, `dryRun`, `limit` ...).

    `namespace` is "" for cluster-scoped kinds and for requests over all namespaces; `name` is "" for collections.
    `body` is a decoded JSON value: an object, a JSON patch (list), or DeleteOptions; `duplicates` are the paths of
    fields that it gave twice. `agent` is the program that asks, as its User-Agent names it.
    """

    verb: Verb
    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = JSON
    duplicates: tuple[str, ...] = ()
    agent: str = ""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """`type` is ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (then `object` is a Status)."""

    type: str
    object: Object


def path(request: Request) -> str:
    """The URL path of a request, without the query."""
    kind = request.kind
    parts = ["/apis", kind.group, kind.version] if kind.group else ["/api", kind.version]
    if request.namespace and kind.namespaced:
        parts += ["namespaces", request.namespace]
    parts.append(kind.plural)
    parts += [part for part in (request.name, request.subresource) if part]
    return "/".join(parts)
