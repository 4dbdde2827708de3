"""What `podlab get` is asked, and the Tables that answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.api.meta import Object
from orchestrator.api.request import Request, path
from orchestrator.cli.verbs.fieldpath import FieldPath
from orchestrator.cli.verbs.output import Output
from orchestrator.cli.verbs.session import Session
from orchestrator.cli.verbs.tables import Look
from orchestrator.cli.verbs.targets import Target

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, and how it is to be shown."""

    targets: list[Target]
    options: dict[str, str]
    output: Output
    look: Look
    sort_by: FieldPath | None
    managed_fields: bool
    ignore_missing: bool

    @property
    def single(self) -> bool:
        return len(self.targets) == 1 and bool(self.targets[0].name)


def table_of(session: Session, target: Target, options: dict[str, str]) -> Object:
    """The server's Table of the target. Raises ApiError."""
    verb: Any = "get" if target.name else "list"
    given = {} if target.name else options
    return session.transport.fetch(path(Request(verb, target.kind, target.namespace, target.name)), given, TABLE)
