"""Frames of any sort on upgraded connections: the right code ends them, and nothing grows."""

from __future__ import annotations

import struct
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from agent.streams.carrier import Plain, ProtocolError, WebSocket
from agent.streams.command_wire import ChannelMessages, CommandStreams, CommandWire
from agent.streams.port_wire import PortChannels, PortStreams, PortWire
from tests.fakes.spdy_client import SpdyClient, control, data, frames
from tests.fakes.websocket_frames import close_code, frame

from .bounded import bounded, spoilt

Wire = CommandWire | PortWire

_WEBSOCKETS: tuple[Callable[[], Wire], ...] = (
    lambda: ChannelMessages(WebSocket(), half_close=True),
    lambda: PortChannels(WebSocket(), [80]),
    lambda: PortStreams(WebSocket(text=False)),
)
_SPDY: tuple[Callable[[], Wire], ...] = (
    lambda: CommandStreams(Plain(), frozenset(range(5))),
    lambda: PortStreams(Plain()),
)
_FRAMES = st.builds(
    frame,
    st.integers(0, 15),
    st.binary(max_size=130) | st.sampled_from([struct.pack(">H", code) for code in (0, 999, 1000, 1005, 1015, 4000)]),
    fin=st.booleans(),
    reserved=st.sampled_from((0, 0, 0, 4)),
    masked=st.sampled_from((True, True, True, False)),
    length=st.sampled_from((-1, -1, -1, 0, 1 << 20, 1 << 62)),
)
_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "streamtype": st.sampled_from(("stdin", "stdout", "error", "data", "resize", "telepathy")),
        "requestid": st.sampled_from(("0", "1", "")),
        "port": st.sampled_from(("80", "0", "-1", "65536", "9" * 5000, "\xb2")),
    },
)


def answers(wire: Wire, pieces: list[bytes]) -> tuple[bytes, ProtocolError | None]:
    """What a session would write, up to the end or the client's first error."""
    said = b""
    try:
        for piece in pieces:
            list(wire.receive(piece))
            said += wire.outgoing()
            if wire.closed:
                return said, None
    except ProtocolError as error:
        wire.fail(error)
        return said + wire.outgoing(), error
    return said, None


@bounded
@given(st.sampled_from(_WEBSOCKETS), st.lists(_FRAMES | st.binary(max_size=40), max_size=8))
def test_any_frames_of_a_websocket(make: Callable[[], Wire], pieces: list[bytes]) -> None:
    wire = make()
    said, error = answers(wire, pieces)
    code = close_code(said)
    if error is not None:
        assert code == error.code
    elif wire.closed:
        # The client's own code comes back, or one that says what is wrong with what it sent.
        assert code in (0, 1000, 1002, 1003, 1007, 1009, 4000)
    assert len(said) < 10_000


@bounded
@given(
    st.sampled_from(_SPDY),
    st.lists(
        _HEADERS
        | st.builds(control, st.integers(0, 12), st.binary(max_size=40), st.booleans(), st.sampled_from((3, 3, 3, 2)))
        | st.builds(data, st.integers(0, 9), st.binary(max_size=20), fin=st.booleans())
        | st.binary(max_size=12),
        max_size=10,
    ),
)
def test_any_frames_of_spdy(make: Callable[[], Wire], steps: list[dict[str, str] | bytes]) -> None:
    client = SpdyClient()
    said, error = answers(make(), [step if isinstance(step, bytes) else client.open(step)[1] for step in steps])
    kinds = [sent.kind for sent in frames(said)]
    assert set(kinds) <= {"2", "3", "6", "7"}
    # GOAWAY, once and last, tells of an error.
    assert kinds.count("7") == (error is not None)
    assert error is None or kinds[-1] == "7"
    assert len(kinds) <= 200


@bounded
@given(st.data())
def test_spoilt_frames_of_spdy(choice: st.DataObject) -> None:
    client = SpdyClient()
    sound = b"".join(client.open({"streamtype": kind, "requestid": "1", "port": "80"})[1] for kind in ("error", "data"))
    raw = choice.draw(spoilt(sound + data(3, b"hello", fin=True)))
    said, error = answers(PortStreams(Plain()), [raw])
    assert [sent.kind for sent in frames(said)].count("7") == (error is not None)
