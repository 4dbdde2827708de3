"""`NAME`, `NAME:PORT` and `SCHEME:NAME:PORT`: how a path names what a request is proxied to."""

from __future__ import annotations

from dataclasses import dataclass

_SCHEMES = ("", "http", "https")


@dataclass(frozen=True, slots=True)
class ProxyName:
    """`scheme` and `port` are "" where the path leaves them out; `port` may be a port's name."""

    name: str
    scheme: str = ""
    port: str = ""


def split(text: str) -> ProxyName | None:
    """None when it is no such name (rules: `SplitSchemeNamePort` of `k8s.io/apimachinery/pkg/util/net`)."""
    match text.split(":"):
        case [name] if name:
            return ProxyName(name)
        case [name, port] if name:
            return ProxyName(name, port=port)
        case [scheme, name, port] if name and scheme in _SCHEMES:
            return ProxyName(name, scheme, port)
    return None


def port_number(text: str) -> int | None:
    """None for a text that is no port."""
    if text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536:
        return int(text)
    return None
