"""The kinds table: one entry a kind, and nothing else in the code lists kinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from orchestrator.api.strategies.base import Strategy

#: The verbs of a kind whose objects are stored.
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
#: Those of virtual kinds, whose objects are not kept: questions, which are answered, and figures, which are computed.
VIRTUAL = ("create",)
COMPUTED = ("get", "list")


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind and how the API serves it. Compared by identity: there is one instance a kind."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    strategy: Strategy = field(default_factory=Strategy)

    @property
    def singular(self) -> str:
        return self.kind.lower()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """`deployments.apps`, `pods`: the name in messages and in RBAC rules."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def stored(self) -> bool:
        """False for a virtual kind: there is nothing to watch, change or delete."""
        return "watch" in self.verbs

    def __repr__(self) -> str:
        return f"<{self.api_version} {self.kind}>"


class Kinds:
    """The kinds an API server serves, found by path, by name and by group."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self._by_path: dict[tuple[str, str, str], Kind] = {}
        self._by_type: dict[tuple[str, str], Kind] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        self._by_path[kind.group, kind.version, kind.plural] = kind
        self._by_type[kind.api_version, kind.kind] = kind

    def by_path(self, group: str, version: str, plural: str) -> Kind | None:
        return self._by_path.get((group, version, plural))

    def by_type(self, api_version: str, kind: str) -> Kind | None:
        return self._by_type.get((api_version, kind))

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_path.values())
