"""WebSocket frames by the byte, also such as no client may send (RFC 6455, 5.2)."""

from __future__ import annotations

import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, masked: bool = True, length: int = -1
) -> bytes:
    """`length` is what the frame claims, where that is not the payload's."""
    claimed = len(payload) if length < 0 else length
    first, mask = fin << 7 | reserved << 4 | opcode, masked << 7
    if claimed < 126:
        head = struct.pack(">BB", first, mask | claimed)
    elif claimed < 1 << 16:
        head = struct.pack(">BBH", first, mask | 126, claimed)
    else:
        head = struct.pack(">BBQ", first, mask | 127, claimed)
    return head + (bytes(4) if masked else b"") + payload


def close_code(raw: bytes) -> int | None:
    """Of the close frame among a server's frames; None without one."""
    while raw:
        length, size = raw[1] & 0x7F, 2
        if length == 126:
            (length,), size = struct.unpack_from(">H", raw, 2), 4
        elif length == 127:
            (length,), size = struct.unpack_from(">Q", raw, 2), 10
        if raw[0] & 0xF == CLOSE:
            return int.from_bytes(raw[size : size + 2], "big")
        raw = raw[size + length :]
    return None
