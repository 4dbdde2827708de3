"""The SPDY codec: how the bytes are cut does not matter, and whatever comes, it says so or understands."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from agent.streams import spdy
from tests.fakes.spdy_client import SpdyClient, control, data

_NAMES = st.text(st.characters(codec="ascii", categories=("Ll",)), min_size=1, max_size=12)
_VALUES = st.text(st.characters(codec="ascii", min_codepoint=32), max_size=40)
_STEPS = st.one_of(
    st.dictionaries(_NAMES, _VALUES, max_size=5),
    st.binary(max_size=300),
)


def conversation(steps: Sequence[dict[str, str] | bytes]) -> tuple[bytes, list[spdy.Event]]:
    """A client's bytes, and what they mean: headers open a stream, bytes are data on the newest."""
    client, raw, meaning = SpdyClient(), b"", list[spdy.Event]()
    stream = 1
    for step in steps:
        if isinstance(step, dict):
            stream, syn = client.open(step)
            raw += syn
            meaning.append(spdy.Opened(stream, step, False))
        else:
            raw += data(stream, step, fin=not step)
            meaning.append(spdy.Data(stream, step, not step))
    return raw, meaning


@given(st.lists(_STEPS, max_size=12), st.lists(st.integers(1, 60), min_size=1))
def test_bytes_may_come_in_any_pieces(steps: list[dict[str, str] | bytes], cuts: list[int]) -> None:
    raw, meaning = conversation(steps)
    reader, understood, position = spdy.SpdyReader(), list[spdy.Event](), 0
    for number in range(len(raw)):
        if position >= len(raw):
            break
        cut = cuts[number % len(cuts)]
        understood += reader.receive(raw[position : position + cut])
        position += cut
    assert understood == meaning


@given(st.lists(st.one_of(st.binary(max_size=64), st.builds(control, st.integers(0, 12), st.binary(max_size=40)))))
def test_nonsense_is_an_error_of_the_protocol_or_nothing(pieces: list[bytes]) -> None:
    reader = spdy.SpdyReader()
    with contextlib.suppress(spdy.SpdyError):
        for piece in pieces:
            for event in reader.receive(piece):
                assert isinstance(event, (spdy.Opened, spdy.Data, spdy.Reset, spdy.Pinged, spdy.GoneAway))


@given(st.binary(max_size=100_000))
def test_data_survives_the_frames(content: bytes) -> None:
    received = spdy.SpdyReader().receive(spdy.data(9, content) + spdy.end(9))
    assert b"".join(event.data for event in received if isinstance(event, spdy.Data)) == content
