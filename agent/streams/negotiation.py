"""Which protocol an upgrade is to, and what a client is told before it. Sentences as Kubernetes has them. Pure.

`headers` are the request's, their names in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wsproto.utilities import generate_accept_token

from agent.runtime.base import STDERR, STDIN, STDOUT
from agent.streams.carrier import Base64WebSocket, Plain, ProtocolError, WebSocket
from agent.streams.command_wire import SIZE, STATUS, ChannelMessages, CommandStreams, CommandWire
from agent.streams.port_wire import PortChannels, PortStreams, PortWire, parse_port
from orchestrator.api.errors import BadRequest

_V5, _V4, _V4_BASE64 = "v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"
#: What was before v4; a WebSocket that names no protocol speaks the first.
_OLD, _OLD_BASE64, _UNNAMED = "channel.k8s.io", "base64.channel.k8s.io", ""
_PORT_FORWARD = "portforward.k8s.io"
_PORT_FORWARD_TUNNEL = "SPDY/3.1+portforward.k8s.io"
_SPDY = "SPDY/3.1"

W = TypeVar("W")


@dataclass(frozen=True, slots=True)
class Agreed(Generic[W]):
    """What is spoken from now on, and the headers of the 101 that say so."""

    wire: W
    headers: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CommandOptions:
    """Of a PodExecOptions or PodAttachOptions."""

    command: tuple[str, ...]
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool

    @property
    def channels(self) -> frozenset[int]:
        """Those that a client opens."""
        asked = {STDIN: self.stdin, STDOUT: self.stdout, STDERR: self.stderr, SIZE: self.tty, STATUS: True}
        return frozenset(channel for channel, wanted in asked.items() if wanted)


def command_options(query: Mapping[str, Sequence[str]]) -> CommandOptions:
    """Raises BadRequest."""
    tty = _flag(query, "tty")
    options = CommandOptions(
        command=tuple(query.get("command", ())),
        stdin=_flag(query, "stdin"),
        stdout=_flag(query, "stdout"),
        # A terminal has one output.
        stderr=_flag(query, "stderr") and not tty,
        tty=tty,
    )
    if not (options.stdin or options.stdout or options.stderr):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    return options


def command_wire(headers: Mapping[str, str], options: CommandOptions) -> Agreed[CommandWire]:
    """Raises BadRequest."""
    if _is_websocket(headers):
        chosen = _choose(headers, "sec-websocket-protocol", (_V5, _V4, _V4_BASE64, _OLD, _OLD_BASE64, _UNNAMED))
        plain = chosen in (_OLD, _OLD_BASE64, _UNNAMED)
        wire = ChannelMessages(_carrier(chosen), half_close=chosen == _V5, plain_status=plain)
        return Agreed(wire, _accept_websocket(headers, chosen))
    _check_spdy(headers)
    chosen = _choose(headers, "x-stream-protocol-version", (_V4,))
    return Agreed(CommandStreams(Plain(), options.channels), _accept_spdy(chosen))


def port_wire(headers: Mapping[str, str], query: Mapping[str, Sequence[str]]) -> Agreed[PortWire]:
    """Raises BadRequest."""
    if not _is_websocket(headers):
        _check_spdy(headers)
        chosen = _choose(headers, "x-stream-protocol-version", (_PORT_FORWARD,))
        return Agreed(PortStreams(Plain()), _accept_spdy(chosen))
    chosen = _choose(headers, "sec-websocket-protocol", (_PORT_FORWARD_TUNNEL, _V4, _V4_BASE64, _UNNAMED))
    accept = _accept_websocket(headers, chosen)
    if chosen == _PORT_FORWARD_TUNNEL:
        return Agreed(PortStreams(WebSocket(text=False)), accept)
    return Agreed(PortChannels(_carrier(chosen), _ports(query)), accept)


def _carrier(protocol: str) -> WebSocket:
    return Base64WebSocket() if protocol in (_V4_BASE64, _OLD_BASE64) else WebSocket()


def _ports(query: Mapping[str, Sequence[str]]) -> list[int]:
    try:
        ports = [parse_port(text) for value in query.get("ports", ()) for text in value.split(",")]
    except ProtocolError as error:
        raise BadRequest(f"ports: {error}") from None
    if not ports:
        raise BadRequest("at least one port must be specified")
    return ports


def _flag(query: Mapping[str, Sequence[str]], option: str) -> bool:
    return query.get(option, ("",))[-1].lower() in ("1", "t", "true")


def _is_websocket(headers: Mapping[str, str]) -> bool:
    if headers.get("upgrade", "").lower() != "websocket":
        return False
    if headers.get("sec-websocket-version") != "13" or not headers.get("sec-websocket-key"):
        raise BadRequest("a WebSocket of version 13, with a key, is needed")
    return True


def _check_spdy(headers: Mapping[str, str]) -> None:
    if headers.get("upgrade", "").lower() != _SPDY.lower():
        raise BadRequest(f"Upgrade request required: to websocket or to {_SPDY}")


def _choose(headers: Mapping[str, str], header: str, served: Sequence[str]) -> str:
    """The first of `served` that the client offers."""
    offered = [protocol.strip() for protocol in headers.get(header, "").split(",")]
    for protocol in served:
        if protocol in offered:
            return protocol
    raise BadRequest(f"unable to negotiate protocol: client supports {offered}, server accepts {list(served)}")


def _accept_websocket(headers: Mapping[str, str], protocol: str) -> list[tuple[str, str]]:
    token = generate_accept_token(headers["sec-websocket-key"].encode("latin-1")).decode()
    accept = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", token)]
    return [*accept, ("Sec-WebSocket-Protocol", protocol)] if protocol else accept


def _accept_spdy(protocol: str) -> list[tuple[str, str]]:
    return [("Upgrade", _SPDY), ("Connection", "Upgrade"), ("X-Stream-Protocol-Version", protocol)]
