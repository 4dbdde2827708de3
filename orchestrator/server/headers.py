"""The headers of a request, read by the letter of RFC 9112: where it lets a server be lenient, this one refuses.

Where a request ends must not be a matter of opinion: a proxy in front that holds another one would let requests be
smuggled past it.
"""

from __future__ import annotations

import re
from typing import Protocol

from cheroot.server import comma_separated_headers  # type: ignore[attr-defined]

from orchestrator.server.connection import VALUE_SEPARATOR

_NAME = re.compile(rb"[A-Za-z0-9!#$%&'*+.^`|~-]+")
_NOT_IN_A_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
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
        name, colon, value = line[:-2].partition(b":")
        if b"_" in name:
            continue
        if not colon or not _NAME.fullmatch(name) or _NOT_IN_A_VALUE.search(value):
            raise ValueError("Illegal header line.")
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


def _check_framing(headers: dict[bytes, bytes]) -> None:
    length = headers.get(_LENGTH)
    if length is None:
        return
    if not (length.isdigit() and len(length) < 20):
        raise ValueError("Malformed Content-Length Header.")
    if _ENCODING in headers:
        raise ValueError("Content-Length and Transfer-Encoding exclude each other.")
