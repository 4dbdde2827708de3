from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.server.allocator import Exhausted, OutOfRange, Pool, Taken


@given(st.lists(st.one_of(st.just("next"), st.integers(0, 9), st.integers(-10, -1))), st.integers())
def test_no_number_is_held_twice(steps: list[str | int], seed: int) -> None:
    """Steps: take any, take that one (n), give back that one (-n - 1)."""
    pool, held = Pool(0, 9, random.Random(seed), kept={4}), set[int]()
    for step in steps:
        if step == "next":
            free = set(range(10)) - held - {4}
            if not free:
                with pytest.raises(Exhausted):
                    pool.next()
                continue
            number = pool.next()
            assert number in free
            held.add(number)
        elif isinstance(step, int) and step < 0:
            pool.release(-step - 1)
            held.discard(-step - 1)
        elif step in held:
            with pytest.raises(Taken):
                pool.take(int(step))
        else:
            pool.take(int(step))
            held.add(int(step))


def test_the_ends_belong_to_the_range() -> None:
    pool = Pool(5, 6, random.Random(1))
    for outside in (4, 7):
        with pytest.raises(OutOfRange):
            pool.take(outside)
    assert {pool.next(), pool.next()} == {5, 6}
