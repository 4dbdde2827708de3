"""The AnyIP routes: they make the kernel take whole networks for the machine's own addresses.

`ip route add local 10.96.0.0/16 dev lo`, said to the kernel in its own words (rtnetlink(7)), so that no tool is
needed. It takes CAP_NET_ADMIN, once; the route stays until `remove_routes` or a reboot.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

# linux/netlink.h, linux/rtnetlink.h
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_CREATE = 0x1, 0x4, 0x400
_NLMSG_ERROR = 2
_RTM_NEWROUTE, _RTM_DELROUTE = 24, 25
_RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_HOST, _RTN_LOCAL = 255, 4, 254, 2
_RTA_DST, _RTA_OIF = 1, 4

_HEADER = struct.Struct("=IHHII")
_RTMSG = struct.Struct("=8BI")


@dataclass(frozen=True, slots=True)
class Routes:
    """Whether service addresses work on this machine, and in `message` what to do if not."""

    service_addresses: bool
    message: str


def ensure_routes(networks: Iterable[IPv4Network]) -> Routes:
    """Make each network local unless it is. Never raises: without the routes the rest works."""
    for network in networks:
        if is_local(network):
            continue
        try:
            _request(_RTM_NEWROUTE, _NLM_F_CREATE, network)
        except OSError as error:
            return Routes(False, _explain(network, error))
    return Routes(True, "service addresses are routed to this machine's proxy")


def remove_routes(networks: Iterable[IPv4Network]) -> None:
    """Undo `ensure_routes`; a route that is not there is no error. Raises OSError."""
    for network in networks:
        try:
            _request(_RTM_DELROUTE, 0, network)
        except ProcessLookupError:  # ESRCH: no such route
            continue


def is_local(network: IPv4Network) -> bool:
    """Whether the network's addresses are this machine's: the kernel binds no others."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((str(network[max(network.num_addresses - 2, 0)]), 0))
        except OSError:
            return False
    return True


def _explain(network: IPv4Network, error: OSError) -> str:
    command = f"ip route add local {network} dev lo"
    if error.errno == errno.EPERM:
        return (
            f"cluster IPs do not work on this node: the route for {network} takes CAP_NET_ADMIN; run podlab as root, "
            f"or once `sudo {command}`; node ports, port-forward and DNS names of pods work without"
        )
    return f"cluster IPs do not work on this node: `{command}` failed: {error.strerror}"


def _request(kind: int, flags: int, network: IPv4Network) -> None:
    """Send one route message and read the kernel's verdict. Raises OSError."""
    route = _RTMSG.pack(
        socket.AF_INET, network.prefixlen, 0, 0, _RT_TABLE_LOCAL, _RTPROT_STATIC, _RT_SCOPE_HOST, _RTN_LOCAL, 0
    )
    body = (
        route
        + _attribute(_RTA_DST, network.network_address.packed)
        + _attribute(_RTA_OIF, struct.pack("=I", socket.if_nametoindex("lo")))
    )
    header = _HEADER.pack(_HEADER.size + len(body), kind, _NLM_F_REQUEST | _NLM_F_ACK | flags, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as sock:
        sock.send(header + body)
        answer = sock.recv(4096)
    _, kind, *_ = _HEADER.unpack_from(answer)
    (code,) = struct.unpack_from("=i", answer, _HEADER.size)
    if kind == _NLMSG_ERROR and code not in (0, -errno.EEXIST):
        raise OSError(-code, os.strerror(-code))


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(data), kind) + data
