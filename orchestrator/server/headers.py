"""The headers of a request, read by the letter of RFC 9112: where it lets a server be lenient, this one refuses.

Where a request ends must not be a matter of opinion: a proxy in front that holds another one would let requests be
smuggled past it.
"""

from __future__ import annotations

import re
from typing import Protocol

from cheroot.server import comma_separated_headers  # type: ignore[attr-defined]

from orchestrator.server.connection import VALUE_SEPARATOR

_LINE = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+):([^\x00-\x08\x0a-\x1f\x7f]*)\r\n")
_LENGTH, _ENCODING = b"Content-Length", b"Transfer-Encoding"
#: kubectl gives it once a version.
_LISTS = frozenset({*comma_separated_headers, b"X-Stream-Protocol-Version"}) - {_ENCODING}


class Lines(Protocol):
    def readline(self) -> bytes: ...


def read_headers(lines: Lines, headers: dict[bytes, bytes]) -> None:
    """Read up to the empty line into `headers`, by name as `Content-Type`. Raises ValueError.

    A name with an underscore is left out: to the application it would look like one with a hyphen.
    """
    while (line := lines.readline()) != b"\r\n":
        if not line.endswith(b"\r\n"):
            raise ValueError("HTTP requires CRLF terminators")
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError("Illegal header line.")
        name, value = found.groups()
        if b"_" not in name:
            _add(headers, name.title(), value.strip(b" \t"))
    _check_framing(headers)


def _add(headers: dict[bytes, bytes], name: bytes, value: bytes) -> None:
    before = headers.get(name)
    if before is not None:
        if name in (_LENGTH, _ENCODING):
            raise ValueError(f"{name.decode()} was given more than once.")
        if name.startswith(b"Impersonate-"):
            value = before + VALUE_SEPARATOR.encode() + value
        elif name in _LISTS:
            value = before + b", " + value
    headers[name] = value


def variable(name: bytes) -> str:
    """What the environ calls a header."""
    plain = name.decode("latin-1").upper().replace("-", "_")
    return plain if plain in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{plain}"


def _check_framing(headers: dict[bytes, bytes]) -> None:
    length = headers.get(_LENGTH)
    if length is None:
        return
    if not (length.isdigit() and len(length) < 20):
        raise ValueError("Malformed Content-Length Header.")
    if _ENCODING in headers:
        raise ValueError("Content-Length and Transfer-Encoding exclude each other.")
