"""The codec against a client's frames, as a conversation."""

from __future__ import annotations

import struct
import zlib

import pytest

from agent.streams import spdy
from agent.streams.spdy_dictionary import DICTIONARY
from tests.fakes.spdy_client import Frame, SpdyClient, control, data, frames


def test_the_dictionary_is_the_protocols() -> None:
    """Its Adler-32 is what every SPDY/3 peer puts into its first header block."""
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2


def test_a_stream_is_opened_used_and_ended() -> None:
    client, reader = SpdyClient(), spdy.SpdyReader()
    stream, syn = client.open({"streamType": "data", "port": "80"})
    raw = syn + data(stream, b"GET /") + data(stream, b"", fin=True)
    assert list(reader.receive(raw)) == [
        spdy.Opened(1, {"streamtype": "data", "port": "80"}, False),
        spdy.Data(1, b"GET /", False),
        spdy.Data(1, b"", True),
    ]


def test_the_headers_of_later_streams_build_on_the_first() -> None:
    client, reader = SpdyClient(), spdy.SpdyReader()
    opened = []
    for request in range(50):
        _, syn = client.open({"streamtype": "error", "requestid": str(request)}, fin=True)
        opened += reader.receive(syn)
    assert [event.headers["requestid"] for event in opened if isinstance(event, spdy.Opened)] == [
        str(request) for request in range(50)
    ]
    assert all(isinstance(event, spdy.Opened) and event.ended for event in opened)


def test_the_other_frames() -> None:
    reader = spdy.SpdyReader()
    raw = (
        control(4, struct.pack(">I", 0))  # SETTINGS
        + control(9, struct.pack(">II", 1, 100))  # WINDOW_UPDATE
        + control(6, struct.pack(">I", 7))  # PING
        + control(3, struct.pack(">II", 5, 5))  # RST_STREAM
        + control(7, struct.pack(">II", 0, 0))  # GOAWAY
    )
    assert list(reader.receive(raw)) == [spdy.Pinged(7), spdy.Reset(5), spdy.GoneAway()]


def test_what_a_server_sends() -> None:
    raw = spdy.SpdyWriter().reply(1) + spdy.data(1, b"x" * 40_000) + spdy.ping(3) + spdy.end(1)
    reply, first, second, ping, end = frames(raw)
    assert (reply.kind, reply.stream) == ("2", 1)
    assert zlib.decompressobj(zdict=DICTIONARY).decompress(reply.body) == b"\0\0\0\0"
    assert first.body + second.body == b"x" * 40_000
    assert (ping.kind, ping.stream) == ("6", 3)
    assert end == Frame("data", 1, True, b"")


def test_nothing_is_no_frame() -> None:
    """An empty frame would only cost."""
    assert spdy.data(1, b"") == b""


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (control(6, b"\0\0\0\1", version=2), "version 2"),
        (control(1, b"\0" * 10 + b"no zlib"), "cannot be inflated"),
        (control(3, b"\0"), "too short"),
        (struct.pack(">HHI", 0x8003, 6, 1 << 20), "a control frame of 1048576 bytes"),
    ],
)
def test_nonsense_is_refused(raw: bytes, sentence: str) -> None:
    with pytest.raises(spdy.SpdyError, match=sentence):
        list(spdy.SpdyReader().receive(raw))


def test_headers_that_inflate_without_end_are_refused() -> None:
    bomb = zlib.compressobj(zdict=DICTIONARY)
    block = bomb.compress(b"\0" * (8 << 20)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    with pytest.raises(spdy.SpdyError, match="headers without end"):
        list(spdy.SpdyReader().receive(control(1, b"\0" * 10 + block)))
