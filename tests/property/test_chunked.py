"""Bodies in chunks: whatever the sizes, what is read is what was sent, and what is no chunked body is refused."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.server.chunked import ChunkedBody
from orchestrator.server.headers import read_headers


def body(data: bytes) -> ChunkedBody:
    return ChunkedBody(io.BufferedReader(io.BytesIO(data)))  # type: ignore[arg-type]


@given(st.lists(st.binary(min_size=1, max_size=40)), st.integers(1, 50), st.binary())
def test_what_was_sent(chunks: list[bytes], size: int, behind: bytes) -> None:
    sent = b"".join(b"%x;a=b\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\nT: x\r\n\r\n" + behind
    lines = io.BufferedReader(io.BytesIO(sent))  # type: ignore[arg-type]
    read = ChunkedBody(lines)
    pieces = [read.read(size)]
    while pieces[-1]:
        assert len(pieces[-1]) <= size
        pieces.append(read.read(size))
    assert b"".join(pieces) == b"".join(chunks)
    assert read.closed
    assert list(read.read_trailer_lines()) == [b"T: x\r\n"]
    assert lines.read() == behind


@given(st.binary(max_size=60))
def test_anything_else_is_refused_or_read(data: bytes) -> None:
    try:
        body(data).read(100)
    except ValueError:
        return
    assert data[:1].lower() in b"0123456789abcdef"


def test_no_room_is_made_for_what_does_not_come() -> None:
    with pytest.raises(ValueError, match="in the middle of a chunk"):
        body(b"fffffffffffffff\r\nxxx").read(100)


@given(st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([b"Content-Length: 2", b"X: y", b" z", b"A_b: c"]))))
def test_headers_are_read_or_refused(lines: list[bytes]) -> None:
    headers: dict[bytes, bytes] = {}
    try:
        read_headers(io.BytesIO(b"".join(line + b"\r\n" for line in lines) + b"\r\n"), headers)
    except ValueError:
        return
    assert not any(b"_" in name or b" " in name or b"\n" in value for name, value in headers.items())
