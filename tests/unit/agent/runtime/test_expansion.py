from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.runtime.expansion import expand

VALUES = {"A": "1", "B": "$(A)", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("$(A)", "1"),
        ("x$(A)y$(A)", "x1y1"),
        ("$(B)", "$(A)"),
        ("$(EMPTY)", ""),
        ("$(NO)", "$(NO)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$$$(A)", "$$(A)"),
        ("$A", "$A"),
        ("$(A", "$(A"),
        ("$($(A))", "$($(A))"),
        ("$()", "$()"),
        ("100$", "100$"),
    ],
)
def test_references(text: str, expanded: str) -> None:
    assert expand(text, VALUES) == expanded


@given(st.text())
def test_a_doubled_dollar_protects_everything(text: str) -> None:
    assert expand(text.replace("$", "$$"), VALUES) == text
