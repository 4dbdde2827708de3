from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.strategies import job_indexes
from orchestrator.controllers.index_set import IndexSet

numbers = st.sets(st.integers(0, 40))


@pytest.mark.parametrize(
    ("indexes", "text"),
    [((), ""), ((3,), "3"), ((1, 2), "1,2"), ((1, 2, 3), "1-3"), ((0, 2, 3, 5, 6, 7), "0,2,3,5-7")],
)
def test_is_written_as_kubernetes_does(indexes: tuple[int, ...], text: str) -> None:
    assert str(IndexSet.of(indexes)) == text
    assert IndexSet.parse(text, 100) == IndexSet.of(indexes)


def test_what_a_smaller_job_has_no_more_is_left_out() -> None:
    assert str(IndexSet.parse("1-5,8", 4)) == "1-3"
    assert str(IndexSet.parse("5", 4)) == ""


def test_millions_cost_nothing() -> None:
    most = IndexSet.parse("0-2999999,3000001-4000000", 5_000_000)
    assert len(most) == 4_000_000
    assert list(islice(most.missing(5_000_000), 2)) == [3_000_000, 4_000_001]


@given(numbers, numbers)
def test_is_a_set(left: set[int], right: set[int]) -> None:
    one, other = IndexSet.of(left), IndexSet.of(right)
    assert len(one) == len(left)
    assert {index for index in range(50) if index in one} == left
    assert one | other == IndexSet.of(left | right)
    assert one.shared(other) == len(left & right)
    assert set(one.missing(30)) == set(range(30)) - left
    assert IndexSet.parse(str(one), 100) == one
    assert job_indexes.count(str(one), 100) == len(left), "the server must take it"
