"""How the agent reads the API objects that its pods refer to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object


class Lookup(Protocol):
    def __call__(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object, or None when there is none. It is shared: never change it.

        Raises `orchestrator.api.errors.ApiError` when that cannot be known now.
        """

    def services(self, namespace: str) -> Iterable[Object]:
        """The namespace's services; as the call."""
