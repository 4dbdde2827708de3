from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.names import target


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("web", "localhost:5001/web:latest"),
        ("web:v1", "localhost:5001/web:v1"),
        ("team/web:v1", "localhost:5001/team/web:v1"),
        ("docker.io/library/nginx", "localhost:5001/library/nginx:latest"),
        ("localhost:5001/web:v1", "localhost:5001/web:v1"),
        ("localhost/web", "localhost:5001/web:latest"),
        ("web@sha256:0123", "localhost:5001/web:latest"),
    ],
)
def test_target(image: str, expected: str) -> None:
    assert target(image, "localhost:5001") == expected


@given(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?(:[a-z0-9]{1,8})?", fullmatch=True))
def test_target_of_a_target_is_itself(image: str) -> None:
    once = target(image, "localhost:5001")
    assert target(once, "localhost:5001") == once
