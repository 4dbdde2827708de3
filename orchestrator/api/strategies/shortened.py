"""Long lists in one cell."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 3


def shortened(items: Sequence[str]) -> str:
    """The first three, and how many more there are: `a,b,c + 2 more...`."""
    text = ",".join(items[:_SHOWN])
    return f"{text} + {len(items) - _SHOWN} more..." if len(items) > _SHOWN else text
