"""`pods/NAME/log`: forwarded to the agent that runs the pod."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from orchestrator.api.errors import NotFound, ServiceUnavailable
from orchestrator.api.groups.core import NODE
from orchestrator.api.meta import Object, name, spec
from orchestrator.api.request import Request
from orchestrator.server.agents import Agents, AgentStream
from orchestrator.server.backend import Backend
from orchestrator.server.container_choice import check_has_log, choose_container
from orchestrator.server.options import boolean

_PASSED = ("follow", "previous", "tailLines", "sinceSeconds", "sinceTime", "timestamps", "limitBytes")


def open_log(backend: Backend, agents: Agents, request: Request) -> AgentStream:
    """The log as the agent gives it. Raises NotFound, BadRequest, ServiceUnavailable."""
    pod = backend.entry(request.kind, request.namespace, request.name).object()
    container = choose_container(pod, request.options.get("container", ""))
    check_has_log(pod, container, previous=boolean(request.options, "previous"))
    node = node_of(backend, pod)
    query = urlencode({option: request.options[option] for option in _PASSED if option in request.options})
    path = "/".join(quote(part, safe="") for part in (request.namespace, request.name, container))
    return agents.get(node, f"/containerLogs/{path}?{query}")


def node_of(backend: Backend, pod: Object) -> Object:
    """The node that the pod is bound to. Raises ServiceUnavailable."""
    node = str(spec(pod)["nodeName"])
    try:
        return backend.entry(NODE, "", node).object()
    except NotFound:
        raise ServiceUnavailable(f"pod {name(pod)} is on node {node}, which is gone") from None
