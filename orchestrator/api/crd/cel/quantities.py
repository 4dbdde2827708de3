"""Quantities: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-quantity-library"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from orchestrator.api import quantity
from orchestrator.api.crd.cel.functions import OPAQUE, Function, Opaque, function, holds, member, opened

_TAG = "kubernetes.Quantity"


def _quantity(text: str) -> Opaque:
    return _made(quantity.parse(text))


def _made(amount: Fraction) -> Opaque:
    return {_TAG: str(amount)}


def _amount(value: Any) -> Fraction:
    return Fraction(value) if isinstance(value, int) else Fraction(opened(value, _TAG))


def _compare(left: Any, right: Any) -> int:
    first, second = _amount(left), _amount(right)
    return (first > second) - (first < second)


def _is_integer(value: Any) -> bool:
    amount = _amount(value)
    return amount.denominator == 1 and -(2**63) <= amount < 2**63


def _as_integer(value: Any) -> int:
    if not _is_integer(value):
        raise ValueError("cannot convert value to integer")
    return int(_amount(value))


def _combined(combine: Callable[[Fraction, Fraction], Fraction]) -> Callable[[Any, Any], Opaque]:
    return lambda left, right: _made(combine(_amount(left), _amount(right)))


_add, _sub = _combined(lambda left, right: left + right), _combined(lambda left, right: left - right)

FUNCTIONS: tuple[Function, ...] = (
    function("quantity", OPAQUE, ("string",), _quantity),
    function("isQuantity", "bool", ("string",), holds(quantity.parse)),
    member("sign", "int", (OPAQUE,), lambda value: _compare(value, 0)),
    member("isInteger", "bool", (OPAQUE,), _is_integer),
    member("asInteger", "int", (OPAQUE,), _as_integer),
    member("asApproximateFloat", "double", (OPAQUE,), lambda value: float(_amount(value))),
    member("isGreaterThan", "bool", (OPAQUE, OPAQUE), lambda left, right: _compare(left, right) > 0),
    member("isLessThan", "bool", (OPAQUE, OPAQUE), lambda left, right: _compare(left, right) < 0),
    member("compareTo", "int", (OPAQUE, OPAQUE), _compare),
    member("add", OPAQUE, (OPAQUE, OPAQUE), _add),
    member("add", OPAQUE, (OPAQUE, "int"), _add),
    member("sub", OPAQUE, (OPAQUE, OPAQUE), _sub),
    member("sub", OPAQUE, (OPAQUE, "int"), _sub),
)
