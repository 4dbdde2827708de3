"""JSON paths of CustomResourceDefinitions: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`.

Most are plain, and followed step by step; for the others there is a library, which is loaded when the first comes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

_PLAIN = re.compile(r"(\.[^.\[\]'\"*?@\\]+)+")
#: A step with escaped dots: `.example\.com/size`.
_ESCAPED = re.compile(r"\.((?:[^.\[\]\\]|\\.)*\\.(?:[^.\[\]\\]|\\.)*)")

#: What the library knows beyond Kubernetes' paths: functions, and sorting.
_FOREIGN = re.compile(r"`|\[\s*[\\/]")

#: From an object to the first value under a path, None where there is none.
Find = Callable[[Any], Any]


class BadPath(Exception):
    """The text is no JSON path; the message says why."""


def plain(path: str) -> tuple[str, ...] | None:
    """The steps of a path of fields, None for any other."""
    return tuple(path.split(".")[1:]) if _PLAIN.fullmatch(path) else None


def at(value: Any, steps: tuple[str, ...]) -> Any:
    """What lies under the steps, None where they lead nowhere."""
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value


@lru_cache(1024)
def finder(path: str) -> Find:
    """Raises BadPath."""
    steps = plain(path)
    if steps is not None:
        return lambda obj: at(obj, steps)
    if _FOREIGN.search(path):
        raise BadPath("functions and sorting are no part of a JSON path here")
    from jsonpath_ng.exceptions import JSONPathError
    from jsonpath_ng.ext.parser import parse

    try:
        expression = parse("$" + _ESCAPED.sub(_bracketed, path))
    except JSONPathError as error:
        raise BadPath(str(error)) from None
    return lambda obj: next((match.value for match in expression.find(obj)), None)


def _bracketed(match: re.Match[str]) -> str:
    step = re.sub(r"\\(.)", r"\1", match[1]).replace("'", "")
    return f"['{step}']"
