"""The first line of a request, by the letter of RFC 9112."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

#: Method, path, query and version. The target is always a path here: this server is nobody's forward proxy.
_LINE = re.compile(rb"([A-Z]+) (/(?!/)[^\x00-\x20\x7f?#]*)(\?[^\x00-\x20\x7f#]*)? HTTP/(\d\.\d)\r\n")
_VERSIONS = (b"1.0", b"1.1")
#: Decoded it would look like a slash between two parts of the path.
_ESCAPED_SLASH = re.compile(b"%2F", re.IGNORECASE)


class UnknownVersion(ValueError):
    """The request is of a version of HTTP that is not spoken here."""


@dataclass(frozen=True, slots=True)
class RequestLine:
    """`path` is decoded, but for escaped slashes; `query` is not, and has no `?`."""

    method: bytes
    uri: bytes
    path: bytes
    query: bytes
    version: str


def parse(line: bytes) -> RequestLine:
    """Raises ValueError; UnknownVersion."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("Malformed Request-Line")
    method, path, query, version = found.groups(b"")
    if version not in _VERSIONS:
        raise UnknownVersion("Cannot fulfill request")
    return RequestLine(method, path + query, _decoded(path), query[1:], version.decode())


def _decoded(path: bytes) -> bytes:
    if b"%" not in path:
        return path
    return b"%2F".join(map(unquote_to_bytes, _ESCAPED_SLASH.split(path)))
