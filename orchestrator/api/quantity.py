"""Quantities: `100m`, `1.5Gi`, `2e3`. Exact inside, canonical outside.

The grammar, the roundings and the canonical form are those of `k8s.io/apimachinery/pkg/api/resource.Quantity`.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction
from functools import lru_cache

_PATTERN = re.compile(r"([+-]?)([0-9]+\.?[0-9]*|\.[0-9]+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]+))?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_SUFFIX_OF = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
#: More digits or larger exponents than this are no amount of anything, and would cost time to compute.
_MAX_DIGITS = 60
#: The sentence for what is no quantity.
ERROR = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

Quantity = str | int | float


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[Fraction, str, bool]:
    """(value rounded up to nanos as Kubernetes keeps it, suffix, whether an exponent was written)."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(ERROR)
    sign, digits, suffix, exponent = match.groups()
    whole, _, decimals = digits.partition(".")
    power = int(exponent[:_MAX_DIGITS]) if exponent else 0
    if len(digits) > _MAX_DIGITS or abs(power) > _MAX_DIGITS:
        raise ValueError(f"quantity {text[:_MAX_DIGITS]!r} has too many digits")
    amount = Fraction(int(whole + decimals), 10 ** len(decimals))
    if suffix in _BINARY:
        amount *= 1024 ** _BINARY[suffix]
    else:
        amount *= Fraction(10) ** (_DECIMAL[suffix or ""] + power)
    nanos = Fraction(math.ceil(amount * 10**9), 10**9)
    return (-nanos if sign == "-" else nanos), suffix or "", exponent is not None


def parse(q: Quantity) -> Fraction:
    """The exact amount. Raises ValueError when `q` is no quantity."""
    return _read(str(q))[0]


def milli(q: Quantity) -> int:
    """Thousandths, rounded up: the unit of CPU. Raises ValueError."""
    return math.ceil(_read(str(q))[0] * 1000)


def integer(q: Quantity) -> int:
    """Whole units, rounded up: bytes and counts. Raises ValueError."""
    return math.ceil(_read(str(q))[0])


def format_integer(n: int) -> str:
    """`110`, `2k`, `1500`: a whole number in canonical form."""
    return _decimal(Fraction(n), exponent=False)


def format_milli(n: int) -> str:
    """`2` for 2000, `1500m` for 1500: thousandths in canonical form."""
    return _decimal(Fraction(n, 1000), exponent=False)


def format_nano(n: int) -> str:
    """`1500m` for 1500000000, `1234567n`: billionths in canonical form."""
    return _decimal(Fraction(n, 10**9), exponent=False)


def format_binary(n: int) -> str:
    """`64Mi`, `1500`: a whole number with the largest binary suffix that leaves no fraction."""
    return _binary(Fraction(n)) if n else "0"  # which every suffix leaves without a fraction


def canonical(q: Quantity) -> str:
    """`q` as Kubernetes writes it back: the same kind of suffix, no fraction, the largest suffix that allows that.

    Raises ValueError.
    """
    return _canonical(str(q))


def like(amount: Fraction, model: Quantity) -> str:
    """`amount` in canonical form, with the kind of suffix that `model` has. Raises ValueError."""
    _, suffix, exponent = _read(str(model))
    return _written(amount, suffix, exponent=exponent)


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    amount, suffix, exponent = _read(text)
    return _written(amount, suffix, exponent=exponent)


def _written(amount: Fraction, suffix: str, *, exponent: bool) -> str:
    # Small amounts with a binary suffix become decimal, so that `0.5Ki` is not rounded.
    if suffix in _BINARY and abs(amount) >= 1024:
        return _binary(amount)
    return _decimal(amount, exponent=exponent)


def _decimal(amount: Fraction, *, exponent: bool) -> str:
    if not amount:
        return "0"
    nanos, power = int(amount * 10**9), -9
    while power < 18 and nanos % 1000 == 0:
        nanos, power = nanos // 1000, power + 3
    if exponent:
        return f"{nanos}e{power}" if power else str(nanos)
    return f"{nanos}{_SUFFIX_OF[power]}"


def _binary(amount: Fraction) -> str:
    size, power = math.ceil(abs(amount)), 0
    while power < 6 and size % 1024 == 0:
        size, power = size // 1024, power + 1
    suffix = next((name for name, value in _BINARY.items() if value == power), "")
    return f"{'-' if amount < 0 else ''}{size}{suffix}"
