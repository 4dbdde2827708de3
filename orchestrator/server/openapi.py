"""OpenAPI v3, as kubectl reads it: an index, and one document a group-version.

A document is large and seldom asked for, so it is made when it is, and nothing of it is kept: the caller may cache the
bytes under `etag`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import orjson

from orchestrator import KUBERNETES_VERSION, __version__
from orchestrator.api import schema
from orchestrator.api.kinds import Kind, Kinds
from orchestrator.api.meta import Object
from orchestrator.server import openapi_custom, openapi_schemas
from orchestrator.server.discovery import in_version
from orchestrator.server.openapi_paths import paths


def index(kinds: Kinds) -> Object:
    """/openapi/v3."""
    return {
        "paths": {
            where: {"serverRelativeURL": f"/openapi/v3/{where}?hash={etag(kinds, where)}"}
            for where in sorted({_where(kind) for kind in kinds})
        }
    }


def etag(kinds: Kinds, where: str) -> str:
    """Changes when the document of `where` (`api/v1`, `apis/apps/v1`) may have changed; cheap to compute."""
    return _etag(where, _kinds(kinds, where))


def etag_of_all(kinds: Kinds, form: str) -> str:
    """The same for a document about every kind, in one of its forms."""
    return _etag(form, kinds)


def _etag(name: str, kinds: Iterable[Kind]) -> str:
    described = [
        (kind.api_version, kind.kind, kind.plural, kind.list_kind, kind.namespaced, kind.subresources, kind.document)
        for kind in kinds
    ]
    seed = orjson.dumps((__version__, KUBERNETES_VERSION, name, described))
    return hashlib.sha256(seed).hexdigest().upper()


def document(kinds: Kinds, where: str) -> bytes | None:
    """/openapi/v3/WHERE as JSON, or None when nothing is served there."""
    served = _kinds(kinds, where)
    if not served:
        return None
    definitions = schema.read_definitions()
    described = paths(served, schema.types(definitions) | openapi_custom.names(served))
    custom = openapi_custom.definitions(served, definitions)
    return orjson.dumps(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": f"v{KUBERNETES_VERSION}"},
            "paths": described,
            "components": {"schemas": openapi_schemas.closure(definitions, described, custom)},
        }
    )


def _kinds(kinds: Kinds, where: str) -> list[Kind]:
    match where.split("/"):
        case ["api", version]:
            return in_version(kinds, "", version)
        case ["apis", group, version]:
            return in_version(kinds, group, version)
    return []


def _where(kind: Kind) -> str:
    return f"{'apis' if kind.group else 'api'}/{kind.api_version}"
