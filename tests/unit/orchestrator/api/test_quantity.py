from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api import quantity

#: text -> (amount, canonical text), the latter as Kubernetes prints it.
CASES: list[tuple[quantity.Quantity, Fraction | int, str]] = [
    ("0", 0, "0"),
    ("100m", Fraction(1, 10), "100m"),
    ("1000m", 1, "1"),
    ("0.5", Fraction(1, 2), "500m"),
    (".5", Fraction(1, 2), "500m"),
    ("1.", 1, "1"),
    (0.5, Fraction(1, 2), "500m"),
    (2, 2, "2"),
    ("+3", 3, "3"),
    ("-1500m", Fraction(-3, 2), "-1500m"),
    ("1Gi", 1 << 30, "1Gi"),
    ("1024Mi", 1 << 30, "1Gi"),
    ("1.5Gi", 3 << 29, "1536Mi"),
    ("0.5Ki", 512, "512"),
    ("1025Ki", 1025 * 1024, "1025Ki"),
    ("2048Ei", 2048 << 60, "2048Ei"),
    ("1000", 1000, "1k"),
    ("1500000", 1500000, "1500k"),
    ("1e3", 1000, "1e3"),
    ("12E2", 1200, "1200"),
    ("1E", 10**18, "1E"),
    ("5u", Fraction(5, 10**6), "5u"),
    ("0.1n", Fraction(1, 10**9), "1n"),
    ("2G", 2 * 10**9, "2G"),
]


@pytest.mark.parametrize(("text", "amount", "canonical"), CASES)
def test_amount_and_canonical_form(text: quantity.Quantity, amount: Fraction, canonical: str) -> None:
    assert quantity.parse(text) == amount
    assert quantity.canonical(text) == canonical


@pytest.mark.parametrize(
    "text", ["", "1K", "1 Gi", "Gi", "1.2.3", "1e", "0x10", "--1", "1kk", "9" * 100, "1e999999999"]
)
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="quantit"):
        quantity.parse(text)


@pytest.mark.parametrize(("text", "milli", "integer"), [("1", 1000, 1), ("1.5m", 2, 1), ("1Ki", 1024000, 1024)])
def test_rounding_is_up(text: str, milli: int, integer: int) -> None:
    assert quantity.milli(text) == milli
    assert quantity.integer(text) == integer


def test_formats() -> None:
    assert quantity.format_integer(110) == "110"
    assert quantity.format_milli(1500) == "1500m"
    assert quantity.format_milli(2000) == "2"


@given(
    st.integers(-(10**12), 10**12),
    st.sampled_from(["n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "e-2"]),
)
def test_the_canonical_form_keeps_the_amount(number: int, suffix: str) -> None:
    text = f"{number}{suffix}"
    canonical = quantity.canonical(text)
    assert quantity.parse(canonical) == quantity.parse(text)
    assert quantity.canonical(canonical) == canonical


@pytest.mark.parametrize(("n", "text"), [(0, "0"), (1, "1n"), (250_000_000, "250m"), (2 * 10**9, "2"), (1500, "1500n")])
def test_billionths(n: int, text: str) -> None:
    assert quantity.format_nano(n) == text


@pytest.mark.parametrize(("n", "text"), [(0, "0"), (1023, "1023"), (1024, "1Ki"), (3 << 30, "3Gi"), (1025, "1025")])
def test_binary_multiples(n: int, text: str) -> None:
    assert quantity.format_binary(n) == text
