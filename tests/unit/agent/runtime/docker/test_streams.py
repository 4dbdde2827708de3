from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.runtime.docker.streams import Demultiplexer, demultiplex, lines


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """`data` in chunks that end at `places`."""
    ends = [*sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


CUTS = st.lists(st.integers(0, 10_000))


@given(payloads=st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=50))), places=CUTS)
def test_frames_are_undone_wherever_chunks_break(payloads: list[tuple[int, bytes]], places: list[int]) -> None:
    data = b"".join(frame(stream, payload) for stream, payload in payloads)
    assert b"".join(demultiplex(cut(data, places))) == b"".join(payload for _, payload in payloads)


@given(payloads=st.lists(st.tuples(st.integers(0, 2), st.binary(max_size=50))), places=CUTS)
def test_each_streams_bytes_stay_its_own(payloads: list[tuple[int, bytes]], places: list[int]) -> None:
    frames, said = Demultiplexer(), {0: b"", 1: b"", 2: b""}
    for chunk in cut(b"".join(frame(stream, payload) for stream, payload in payloads), places):
        for stream, part in frames.feed(chunk):
            said[stream] += part
    assert said == {number: b"".join(payload for stream, payload in payloads if stream == number) for number in said}


def test_a_payload_is_passed_on_as_it_comes() -> None:
    whole = frame(1, b"abcdef")
    assert list(demultiplex([whole[:10], whole[10:]])) == [b"ab", b"cdef"]


@given(texts=st.lists(st.binary(min_size=1).filter(lambda text: b"\n" not in text)), places=CUTS)
def test_lines_are_whole_wherever_chunks_break(texts: list[bytes], places: list[int]) -> None:
    data = b"".join(text + b"\n" for text in texts)
    assert list(lines(cut(data, places))) == texts
