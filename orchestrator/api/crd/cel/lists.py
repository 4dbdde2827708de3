"""Kubernetes' functions of lists.

https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-list-library
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

from orchestrator.api.crd.cel.functions import Function, member


def _comparable(items: list[Any]) -> list[Any]:
    """Raises ValueError for items that have no order."""
    kinds = {type(item) for item in items}
    if len(kinds) > 1 or kinds & {dict, list, type(None)}:
        raise ValueError("no such overload")
    return items


def _sorted(items: list[Any]) -> bool:
    return all(left <= right for left, right in pairwise(_comparable(items)))


def _sum(items: list[Any]) -> Any:
    if any(type(item) not in (int, float, timedelta) for item in _comparable(items)):
        raise ValueError("no such overload")
    return sum(items[1:], items[0]) if items else 0


def _extreme(name: str, choose: Callable[[list[Any]], Any]) -> Callable[[list[Any]], Any]:
    def extreme(items: list[Any]) -> Any:
        if not items:
            raise ValueError(f"{name} called on empty list")
        return choose(_comparable(items))

    return extreme


def _first(items: list[Any], wanted: Any) -> int:
    return next((index for index, item in enumerate(items) if _same(item, wanted)), -1)


def _last(items: list[Any], wanted: Any) -> int:
    return next((index for index in range(len(items) - 1, -1, -1) if _same(items[index], wanted)), -1)


def _same(left: Any, right: Any) -> bool:
    """In Python, true is 1."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


FUNCTIONS: tuple[Function, ...] = (
    member("isSorted", "bool", ("list<dyn>",), _sorted),
    member("sum", "dyn", ("list<dyn>",), _sum),
    member("min", "dyn", ("list<dyn>",), _extreme("min", min)),
    member("max", "dyn", ("list<dyn>",), _extreme("max", max)),
    member("indexOf", "int", ("list<dyn>", "dyn"), _first),
    member("lastIndexOf", "int", ("list<dyn>", "dyn"), _last),
)
