"""From an HTTP request to a request of the API: verb, options, body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from orchestrator.api import body as bodies
from orchestrator.api.body import Body
from orchestrator.api.errors import BadRequest, MethodNotAllowed, NotFound, RequestTooLarge, Timeout
from orchestrator.api.kinds import Kind
from orchestrator.api.request import Request, Verb
from orchestrator.server.connection import connection
from orchestrator.server.options import MAX_MANAGER, boolean
from orchestrator.server.paths import PROXY, ResourcePath
from orchestrator.server.podstreams import STREAMS

Environ = Mapping[str, Any]

#: Bytes of a request's body at most, as in Kubernetes.
MAX_BODY = 3 * 1024 * 1024
#: Of a body that is too large, but not larger than so many bytes, all is read: many clients read no answer before.
_DRAINED = 32 * 1024 * 1024
_PIECE = 64 * 1024
_NOT_ALLOWED = "the server does not allow this method on the requested resource"

#: Method -> verb on an object, verb on a collection; None where there is none.
_VERBS: dict[str, tuple[Verb | None, Verb | None]] = {
    "GET": ("get", "list"),
    "POST": (None, "create"),
    "PUT": ("update", None),
    "PATCH": ("patch", None),
    "DELETE": ("delete", "deletecollection"),
}


#: What is proxied can be asked for with more methods.
_PROXIED: dict[str, Verb] = {
    "GET": "get",
    "HEAD": "get",
    "OPTIONS": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}


def verb(method: str, path: ResourcePath, options: Mapping[str, str]) -> Verb:
    """Raises MethodNotAllowed."""
    if path.subresource == PROXY and method in _PROXIED:
        return _PROXIED[method]
    if path.subresource and method == "POST":
        return "create"
    one, many = _VERBS.get(method, (None, None))
    found = one if path.name else many
    if found == "list" and boolean(options, "watch"):
        return "watch"
    if found is None:
        raise MethodNotAllowed(_NOT_ALLOWED)
    return found


def options(environ: Environ) -> dict[str, str]:
    """The query parameters; of one given twice the last counts."""
    query = environ.get("QUERY_STRING", "")
    return dict(parse_qsl(query, keep_blank_values=True)) if query else {}


def to_request(environ: Environ, kind: Kind, path: ResourcePath) -> Request:
    """Raises BadRequest, MethodNotAllowed, RequestTooLarge, UnsupportedMediaType."""
    query = options(environ)
    found = verb(environ["REQUEST_METHOD"], path, query)
    if kind.namespaced and not path.namespace:
        _check_collection(found, path)
    if found in ("get", "list", "watch") or path.subresource in (*STREAMS, PROXY):
        return Request(found, kind, path.namespace, path.name, path.subresource, query)
    content_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    body = _body(environ, content_type, needed=found not in ("delete", "deletecollection"))
    return Request(
        found,
        kind,
        path.namespace,
        path.name,
        path.subresource,
        query,
        body.value,
        content_type,
        body.duplicates,
        _agent(environ),
    )


def _agent(environ: Environ) -> str:
    """What a User-Agent begins with: `kubectl` of `kubectl/v1.33.0 (linux/amd64)`."""
    name = environ.get("HTTP_USER_AGENT", "").partition("/")[0]
    return "".join(filter(str.isprintable, name))[:MAX_MANAGER]


def _check_collection(found: Verb, path: ResourcePath) -> None:
    """Objects of all namespaces can be listed and watched, and nothing else."""
    if path.name:
        raise NotFound("the server could not find the requested resource")
    if found not in ("list", "watch"):
        raise MethodNotAllowed(_NOT_ALLOWED)


def _body(environ: Environ, content_type: str, *, needed: bool) -> Body:
    data = read_body(environ)
    if data:
        return bodies.decode(data, content_type)
    if needed:
        raise BadRequest("the request needs a body")
    return Body(None)


def read_body(environ: Environ) -> bytes:
    """The whole body, of known length or chunked. Raises RequestTooLarge, BadRequest, Timeout."""
    stream = environ["wsgi.input"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    try:
        data = b"" if length > MAX_BODY else cast(bytes, stream.read(MAX_BODY + 1))
    except TimeoutError:
        connection(environ).broken = True
        raise Timeout("the body of the request did not arrive in time") from None
    except ValueError as error:
        connection(environ).broken = True
        raise BadRequest(f"the chunked body cannot be read: {error}") from None
    if max(length, len(data)) > MAX_BODY:
        connection(environ).broken = length > _DRAINED or not _drained(stream)
        raise RequestTooLarge(f"Request entity too large: limit is {MAX_BODY}")
    return data


def refuse_body(environ: Environ) -> None:
    """Nobody wants it: what a client must be rid of to hear the answer is read, and no more."""
    client = connection(environ)
    if not client.broken:
        client.broken = not _drained(environ["wsgi.input"])


def _drained(stream: Any) -> bool:
    """Read what is left, within bounds; False when there is more, or it does not come."""
    left = _DRAINED
    try:
        while left > 0 and (piece := stream.read(_PIECE)):
            left -= len(piece)
    except (ValueError, OSError):
        return False
    return left > 0
