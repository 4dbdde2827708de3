"""`$(NAME)` references in commands, arguments and environment values (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")


def missing(text: str, values: Mapping[str, str]) -> list[str]:
    """The names that are referred to and have no value."""
    return [name for name in _REFERENCE.findall(text) if name and name not in values]


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by its value; an unknown name stays as written, and `$$` is a literal `$`."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        return "$" if name is None else values.get(name, match.group())

    return _REFERENCE.sub(value, text)
