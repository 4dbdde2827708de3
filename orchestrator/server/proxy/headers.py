"""Which headers a proxied request, and its answer, are passed on with. Pure.

Rules: RFC 9110, 7.6.1 (headers that are for one connection only), and `k8s.io/apimachinery/pkg/util/proxy`.
"""

from __future__ import annotations

from collections.abc import Iterable

Header = tuple[str, str]

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
#: What the API server knows its client by is not for others; the rest it says, or has answered, itself.
_KEPT_BACK = frozenset({"authorization", "content-length", "expect", "x-forwarded-for", "x-forwarded-uri"})
_IMPERSONATE = "impersonate-"
#: Pages of other sites may read nothing here, whatever the program allows them on its own address.
_CORS = frozenset(
    {
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
    }
)


def get(headers: Iterable[Header], wanted: str) -> str:
    """All values of a header, as one; `wanted` in lower case."""
    return ", ".join(value for name, value in headers if name.lower() == wanted)


def upgrade(headers: Iterable[Header]) -> str:
    """The protocol that is asked for, "" for none."""
    given = list(headers)
    return get(given, "upgrade") if "upgrade" in _tokens(get(given, "connection")) else ""


def framing(headers: Iterable[Header]) -> Header | None:
    """The header that says where the request's body ends; None when it has none."""
    given = list(headers)
    if "chunked" in _tokens(get(given, "transfer-encoding")):
        return ("Transfer-Encoding", "chunked")
    length = get(given, "content-length")
    return ("Content-Length", length) if length not in ("", "0") else None


def request_headers(headers: Iterable[Header], client: str, uri: str) -> list[Header]:
    """`client` is its address; `uri` the path that it asked for."""
    given = list(headers)
    passed = [
        (name, value)
        for name, value in _end_to_end(given)
        if name.lower() not in _KEPT_BACK and not name.lower().startswith(_IMPERSONATE)
    ]
    before = get(given, "x-forwarded-for")
    passed.append(("X-Forwarded-For", f"{before}, {client}" if before else client))
    passed.append(("X-Forwarded-Uri", uri))
    if protocol := upgrade(given):
        return [*passed, ("Connection", "Upgrade"), ("Upgrade", protocol)]
    if get(given, "content-length") == "0":
        passed.append(("Content-Length", "0"))
    elif (body := framing(given)) is not None:
        passed.append(body)
    return [*passed, ("Connection", "close")]


def answer_headers(headers: Iterable[Header]) -> list[Header]:
    return [(name, value) for name, value in _end_to_end(list(headers)) if name.lower() not in _CORS]


def _end_to_end(headers: list[Header]) -> list[Header]:
    dropped = _HOP_BY_HOP | _tokens(get(headers, "connection"))
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def _tokens(value: str) -> frozenset[str]:
    return frozenset(token.strip().lower() for token in value.split(","))
