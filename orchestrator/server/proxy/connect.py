"""Connections to what is proxied to."""

from __future__ import annotations

from urllib.parse import quote

from orchestrator.api.errors import ServiceUnavailable
from orchestrator.server.agents import Agents
from orchestrator.server.proxy.target import AgentServer, NodePort, Target
from orchestrator.util.dialing import DialError, dial
from orchestrator.util.link import Link

#: What the agent is asked to turn the connection into.
_TCP = {"Connection": "Upgrade", "Upgrade": "tcp"}


def connect(agents: Agents, target: Target) -> Link:
    """Raises ServiceUnavailable."""
    if isinstance(target, AgentServer):
        return agents.connect(target.node)
    if isinstance(target, NodePort):
        try:
            return Link(dial(target.address, target.port, tls=target.tls))
        except DialError as error:
            raise ServiceUnavailable(f"error trying to reach service: {error}") from None
    place = (quote(part, safe="") for part in (target.namespace, target.pod))
    path = "/".join(["/dial", "https" if target.tls else "http", *place, str(target.port)])
    link, _ = agents.upgrade(target.node, "GET", path, _TCP)
    return link
