"""IP addresses and CIDRs: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-ip-address-library"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from typing import Any

from orchestrator.api.crd.cel.functions import OPAQUE, Function, Opaque, function, holds, member, opened

_IP, _CIDR = "net.IP", "net.CIDR"
_Address = IPv4Address | IPv6Address
_Interface = IPv4Interface | IPv6Interface


def _read_ip(text: str) -> _Address:
    """Raises ValueError, also for zones and for IPv4 written as IPv6."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and (address.scope_id or address.ipv4_mapped):
        raise ValueError(f"IP Address {text!r} with a zone, or an IPv4-mapped one, is not allowed")
    return address


def _read_cidr(text: str) -> _Interface:
    address, slash, length = text.partition("/")
    if not slash or not length.isdecimal():
        raise ValueError(f"network address parse error during conversion from string: {text!r} has no prefix length")
    _read_ip(address)
    return ip_interface(text)


def _address(value: Any) -> _Address:
    return ip_address(opened(value, _IP))


def _interface(value: Any) -> _Interface:
    return ip_interface(opened(value, _CIDR))


def _is_canonical(text: str) -> bool:
    return str(_read_ip(text)) == text


def _either(value: Opaque) -> str:
    return str(_interface(value)) if _CIDR in value else str(_address(value))


def _is(question: Callable[[_Address], bool]) -> Callable[[Any], bool]:
    return lambda value: question(_address(value))


def _is_global_unicast(address: _Address) -> bool:
    """In Go's sense: private addresses are."""
    special = address.is_multicast or address.is_loopback or address.is_link_local or address.is_unspecified
    return not special and str(address) != "255.255.255.255"


def _is_link_local_multicast(address: _Address) -> bool:
    packed = address.packed
    return packed[:3] == b"\xe0\x00\x00" if address.version == 4 else packed[0] == 0xFF and packed[1] & 0x0F == 2


def _contains_ip(cidr: Any, address: Any) -> bool:
    wanted = _read_ip(address) if isinstance(address, str) else _address(address)
    return wanted in _interface(cidr).network


def _contains_cidr(cidr: Any, other: Any) -> bool:
    outer, inner = (
        _interface(cidr).network,
        (_read_cidr(other) if isinstance(other, str) else _interface(other)).network,
    )
    return outer.version == inner.version and inner[0] in outer and inner[-1] in outer


FUNCTIONS: tuple[Function, ...] = (
    function("ip", OPAQUE, ("string",), lambda text: {_IP: str(_read_ip(text))}),
    function("isIP", "bool", ("string",), holds(_read_ip)),
    function("ip.isCanonical", "bool", ("string",), _is_canonical),
    member("family", "int", (OPAQUE,), lambda value: _address(value).version),
    member("isUnspecified", "bool", (OPAQUE,), _is(lambda address: address.is_unspecified)),
    member("isLoopback", "bool", (OPAQUE,), _is(lambda address: address.is_loopback)),
    member("isLinkLocalUnicast", "bool", (OPAQUE,), _is(lambda address: address.is_link_local)),
    member("isLinkLocalMulticast", "bool", (OPAQUE,), _is(_is_link_local_multicast)),
    member("isGlobalUnicast", "bool", (OPAQUE,), _is(_is_global_unicast)),
    function("cidr", OPAQUE, ("string",), lambda text: {_CIDR: str(_read_cidr(text))}),
    function("isCIDR", "bool", ("string",), holds(_read_cidr)),
    member("containsIP", "bool", (OPAQUE, "string"), _contains_ip),
    member("containsIP", "bool", (OPAQUE, OPAQUE), _contains_ip),
    member("containsCIDR", "bool", (OPAQUE, "string"), _contains_cidr),
    member("containsCIDR", "bool", (OPAQUE, OPAQUE), _contains_cidr),
    member("ip", OPAQUE, (OPAQUE,), lambda value: {_IP: str(_interface(value).ip)}),
    member("masked", OPAQUE, (OPAQUE,), lambda value: {_CIDR: str(_interface(value).network)}),
    member("prefixLength", "int", (OPAQUE,), lambda value: _interface(value).network.prefixlen),
    function("string", "string", (OPAQUE,), _either),
)
