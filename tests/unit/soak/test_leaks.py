from __future__ import annotations

import pytest

from tests.soak.leaks import leaks, slope


def rounds(**values: list[float]) -> list[dict[str, float]]:
    names = [name.replace("_", " ") for name in values]
    return [dict(zip(names, column, strict=True)) for column in zip(*values.values(), strict=True)]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("containers", [0, 0, 1]),
        ("mounts", [2, 3, 3]),
        ("agent_threads", [20, 24, 28]),
        ("agent_descriptors", [20, 25, 30]),
        ("agent_MiB", [50, 57, 64, 71]),
    ],
)
def test_what_grows_is_named_with_its_counts(name: str, values: list[float]) -> None:
    (sentence,) = leaks(rounds(**{name: values}))
    assert sentence.startswith(f"{name.replace('_', ' ')}: {', '.join(map(str, values))}")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("containers", [1, 4, 1]),
        ("agent_threads", [20, 31, 23]),
        ("agent_descriptors", [20, 14, 25]),
        ("agent_MiB", [50, 70, 51, 68]),
        ("agent_MiB", [50, 50, 50, 50, 70]),
        ("agent_MiB", [50]),
    ],
)
def test_what_comes_and_goes_is_no_leak(name: str, values: list[float]) -> None:
    assert leaks(rounds(**{name: values})) == []


def test_one_jump_is_no_slope() -> None:
    assert slope([1, 1, 1, 1, 9]) == 0
    assert slope([1, 2, 3]) == 1
