"""`pattern` means a regular expression of RE2, as in Go: no backtracking, so none takes more than linear time.

Python's own `re` would accept other expressions and could be made to run for ever; so the RE2 library itself is used.
It is imported with the first pattern: most clusters have no custom resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "bad expression"
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from None


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text holds a match. Raises ValueError, saying why `pattern` is no regular expression."""
    compiled = _compiled(pattern)
    return lambda text: compiled.search(text) is not None


def found(pattern: str, text: str) -> Iterator[str]:
    """The matches in a text, from left to right. Raises ValueError."""
    return (match.group() for match in _compiled(pattern).finditer(text))
