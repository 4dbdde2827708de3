"""Stand-in until the schemas' own part is merged."""

from __future__ import annotations

from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object


def schema_problems(schema: Object, path: str) -> list[FieldError]:
    return []
