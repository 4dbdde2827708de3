"""The line format of journal and snapshot: one JSON object a line, checked by a CRC, with the object's bytes inside.

`{"rev":7,...,"object":{...},"crc":123}`: small fields first, then the object exactly as it is kept in memory, then the
CRC-32 of all bytes before `,"crc":`. Any JSON reader can read a line; we take the object out without decoding it.
"""

from __future__ import annotations

import zlib
from typing import Any

import orjson

#: A quote inside a JSON string is escaped, so these bytes occur first where the field begins.
_OBJECT = b',"object":'
_CRC = b',"crc":'


class BadLine(ValueError):
    """A line is not what was written."""


def seal(body: bytes) -> bytes:
    """Close an open JSON object (`{"a":1`) with its checksum."""
    return body + _CRC + str(zlib.crc32(body)).encode() + b"}"


def unseal(line: bytes) -> bytes:
    """What `seal` was given. Raises BadLine."""
    body, found, crc = line.rpartition(_CRC)
    if not found or crc != str(zlib.crc32(body)).encode() + b"}":
        raise BadLine("its checksum does not match")
    return body


def encode(header: dict[str, Any], data: bytes) -> bytes:
    """One line, without its end. `header` must not be empty."""
    return seal(orjson.dumps(header)[:-1] + _OBJECT + data)


def decode(line: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the object's bytes. Raises BadLine."""
    header, found, data = unseal(line).partition(_OBJECT)
    if not found:
        raise BadLine("it has no object")
    try:
        return orjson.loads(header + b"}"), data
    except orjson.JSONDecodeError as error:
        raise BadLine(str(error)) from error
