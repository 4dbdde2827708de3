"""`find` and `findAll`: https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-regex-library"""

from __future__ import annotations

from orchestrator.api.crd import patterns
from orchestrator.api.crd.cel.functions import Function, member


def _find(text: str, pattern: str) -> str:
    return next(iter(patterns.found(pattern, text)), "")


def _find_all(text: str, pattern: str) -> list[str]:
    return list(patterns.found(pattern, text))


def _find_some(text: str, pattern: str, limit: int) -> list[str]:
    every = _find_all(text, pattern)
    return every if limit < 0 else every[:limit]


FUNCTIONS: tuple[Function, ...] = (
    member("find", "string", ("string", "string"), _find),
    member("findAll", "list<string>", ("string", "string"), _find_all),
    member("findAll", "list<string>", ("string", "string", "int"), _find_some),
)
