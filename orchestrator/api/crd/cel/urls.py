"""URLs: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-url-library"""

from __future__ import annotations

from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from orchestrator.api.crd.cel.functions import OPAQUE, Function, Opaque, function, holds, member, opened

_TAG = "net.URL"


def _read(text: str) -> SplitResult:
    """An absolute URI or an absolute path, as Go's `url.ParseRequestURI` takes it. Raises ValueError."""
    parts = urlsplit(text)
    parts.port  # noqa: B018 -- raises ValueError for what is no port
    if not text.isprintable() or " " in text or not (parts.scheme or text.startswith("/")):
        raise ValueError(f"URL parse error during conversion from string: invalid URI for request: {text}")
    return parts


def _url(text: str) -> Opaque:
    _read(text)
    return {_TAG: text}


def _parts(value: Opaque) -> SplitResult:
    return urlsplit(opened(value, _TAG))


def _host(value: Opaque) -> str:
    return _parts(value).netloc.rpartition("@")[2]


def _port(value: Opaque) -> str:
    port = _parts(value).port
    return "" if port is None else str(port)


def _hostname(value: Opaque) -> str:
    host, port = _host(value), _port(value)
    bare = host.removesuffix(f":{port}") if port else host.removesuffix(":")
    return bare.removeprefix("[").removesuffix("]")


def _escaped_path(value: Opaque) -> str:
    return quote(unquote(_parts(value).path), safe="/$&+,:;=@!'()*~")


def _query(value: Opaque) -> dict[str, list[str]]:
    return parse_qs(_parts(value).query, keep_blank_values=True)


FUNCTIONS: tuple[Function, ...] = (
    function("url", OPAQUE, ("string",), _url),
    function("isURL", "bool", ("string",), holds(_read)),
    member("getScheme", "string", (OPAQUE,), lambda value: _parts(value).scheme),
    member("getHost", "string", (OPAQUE,), _host),
    member("getHostname", "string", (OPAQUE,), _hostname),
    member("getPort", "string", (OPAQUE,), _port),
    member("getEscapedPath", "string", (OPAQUE,), _escaped_path),
    member("getQuery", "map<string, list<string>>", (OPAQUE,), _query),
)
