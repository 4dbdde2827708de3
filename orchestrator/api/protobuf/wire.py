"""Protobuf's wire format: https://protobuf.dev/programming-guides/encoding/.

A message is a sequence of fields, each a number, a wire type and a value; what a field means is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_SIZES = {FIXED64: 8, FIXED32: 4}
_MAX_VARINT = 10

#: (number, wire type, value): a whole number for VARINT, else its bytes.
WireField = tuple[int, int, int | memoryview]


def fields(data: memoryview) -> Iterator[WireField]:
    """The fields of a message, one by one. Raises ValueError where they cannot be read."""
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if number == 0:
            raise ValueError("a field has the number 0")
        if wire_type == VARINT:
            value, at = read_varint(data, at)
            yield number, wire_type, value
            continue
        if wire_type == BYTES:
            size, at = read_varint(data, at)
        elif wire_type in _SIZES:
            size = _SIZES[wire_type]
        else:
            raise ValueError(f"field {number} has wire type {wire_type}, which is not in use")
        if size > len(data) - at:
            raise ValueError("unexpected end of the data")
        yield number, wire_type, data[at : at + size]
        at += size


def read_varint(data: memoryview, at: int) -> tuple[int, int]:
    """The unsigned number of at most 64 bits at `at`, and where it ends. Raises ValueError."""
    value = 0
    for index, byte in enumerate(data[at : at + _MAX_VARINT]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + index + 1
    raise ValueError("a number does not end")


def varint(value: int) -> bytes:
    """A number that is not negative, encoded."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def field(number: int, value: bytes | str | int) -> bytes:
    """One field, encoded: a number (or True) as VARINT, anything else as BYTES."""
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | BYTES) + varint(len(data)) + data
