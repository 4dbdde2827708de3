"""How Kubernetes' functions are declared to CEL.

Their types (URL, Quantity, IP, CIDR, a named format) are opaque in Kubernetes. The library knows no opaque values, so
here each is a map with one entry, TAG -> its canonical text: equal values are equal, and no schema yields such a map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: The CEL type of the opaque values.
OPAQUE = "map<string, dyn>"
Opaque = dict[str, str]


@dataclass(frozen=True, slots=True)
class Function:
    """One overload. Types are spelled as CEL spells them. `call` raises ValueError for what it cannot take."""

    name: str
    returns: str
    takes: tuple[str, ...]
    call: Callable[..., Any]
    is_member: bool

    @property
    def id(self) -> str:
        return f"{'member' if self.is_member else 'global'}:{self.name}({','.join(self.takes)})"


def member(name: str, returns: str, takes: tuple[str, ...], call: Callable[..., Any]) -> Function:
    """`takes[0].name(takes[1:])`."""
    return Function(name, returns, takes, call, is_member=True)


def function(name: str, returns: str, takes: tuple[str, ...], call: Callable[..., Any]) -> Function:
    return Function(name, returns, takes, call, is_member=False)


def opened(value: Any, tag: str) -> str:
    """The text of an opaque value of that tag. Raises ValueError for another."""
    if not isinstance(value, dict) or not isinstance(text := value.get(tag), str):
        raise ValueError("no such overload")
    return text


def holds(read: Callable[[str], Any]) -> Callable[[str], bool]:
    """Whether `read` takes a text: the `isX` beside an `x` that raises ValueError."""

    def takes(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return takes
