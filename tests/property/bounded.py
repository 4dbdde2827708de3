"""How long a fuzzer may look, and that it looks at the same things each time: a failure is of the change at hand."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

bounded = settings(
    max_examples=150, derandomize=True, deadline=2000, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def texts(*tokens: str) -> SearchStrategy[str]:
    """What a grammar of these tokens may allow, and mostly does not."""
    return st.lists(st.one_of(st.sampled_from(tokens), st.text(max_size=2)), max_size=14).map("".join)


def spoilt(sound: bytes, most: int = 6) -> SearchStrategy[bytes]:
    """`sound` with a few bytes changed, and perhaps an end too few."""
    change = st.tuples(st.integers(0, len(sound) - 1), st.integers(0, 255))
    return st.builds(_changed, st.just(sound), st.lists(change, max_size=most), st.integers(0, len(sound)))


def _changed(sound: bytes, changes: list[tuple[int, int]], end: int) -> bytes:
    made = bytearray(sound)
    for at, value in changes:
        made[at] = value
    return bytes(made[:end] if end % 3 == 0 else made)
