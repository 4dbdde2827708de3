"""`pods/NAME/exec`, `attach` and `portforward`: the client's connection, once upgraded, is relayed to the agent.

What is spoken on it (WebSocket, SPDY) is between the client and the agent.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from orchestrator.api.errors import BadRequest
from orchestrator.api.meta import Object, name
from orchestrator.api.request import Request
from orchestrator.server.agents import Agents, Header
from orchestrator.server.backend import Backend
from orchestrator.server.container_choice import check_assigned, choose_container
from orchestrator.server.podlogs import node_of
from orchestrator.util.link import Link

#: Subresource -> the agent's name for it.
STREAMS = {"exec": "exec", "attach": "attach", "portforward": "portForward"}

_VERBS = ("get", "create")

#: Headers of the request that are the agent's to answer, and of the answer those that are the client's.
_ASKED = frozenset(
    {
        "upgrade",
        "connection",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-protocol",
        "x-stream-protocol-version",
    }
)
_ANSWERED = frozenset(
    {"upgrade", "connection", "sec-websocket-accept", "sec-websocket-protocol", "x-stream-protocol-version"}
)


def is_stream(request: Request) -> bool:
    return (
        request.subresource in STREAMS and request.subresource in request.kind.subresources and request.verb in _VERBS
    )


def open_stream(
    backend: Backend, agents: Agents, request: Request, method: str, query: str, headers: Iterable[Header]
) -> tuple[Link, list[Header]]:
    """The upgraded connection to the agent, and the headers of the 101 for the client.

    `query` is passed on as it came: `command` is given once a word. Raises NotFound, BadRequest, ServiceUnavailable.
    """
    asked = {header: value for header, value in headers if header.lower() in _ASKED}
    if not any(header.lower() == "upgrade" for header in asked):
        raise BadRequest("Upgrade request required")
    pod = backend.entry(request.kind, request.namespace, request.name).object()
    check_assigned(pod)
    path = "/".join(quote(part, safe="") for part in ("", *_place(pod, request)))
    link, answered = agents.upgrade(node_of(backend, pod), method, f"{path}?{query}", asked)
    return link, [(header, value) for header, value in answered if header.lower() in _ANSWERED]


def _place(pod: Object, request: Request) -> tuple[str, ...]:
    """The parts of the agent's path."""
    parts = (STREAMS[request.subresource], request.namespace, name(pod))
    if request.subresource == "portforward":
        return parts
    return (*parts, choose_container(pod, request.options.get("container", "")))
