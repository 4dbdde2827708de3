"""The kinds table: one entry a kind, and nothing else in the code lists kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from orchestrator.api.meta import Object

if TYPE_CHECKING:
    from orchestrator.api.crd.schema import CustomSchema
    from orchestrator.api.strategies.base import Strategy

#: The verbs of a kind whose objects are stored.
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
#: Those of virtual kinds, whose objects are not kept: questions, which are answered, and figures, which are computed.
VIRTUAL = ("create",)
COMPUTED = ("get", "list")


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a version shows objects that are stored in the form of another. Both ways may change what they are given.

    `group` is the API group under whose name they are stored.
    """

    group: str
    #: From the stored form to the version's own.
    show: Callable[[Object], Object]
    #: And back.
    store: Callable[[Object], Object]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind in one version, and how the API serves it. Compared by identity: there is one instance a version.

    Of a kind with several versions one is `primary`: its form is stored, and who counts, watches or deletes objects of
    every kind looks there. The others see the same objects through their `conversion`.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    #: The strategy, or "module:Class" in `orchestrator.api.strategies`: loaded when it is asked for, never by clients.
    rules: Strategy | str = "base:Strategy"
    #: The names that CustomResourceDefinitions may choose.
    singular: str = ""
    list_kind: str = ""
    #: The schema of a custom resource; built-in kinds have theirs in `orchestrator.api.schema`.
    schema: CustomSchema | None = None
    #: That schema as its definition has it, with its descriptions.
    document: Object | None = None
    primary: bool = True
    conversion: Conversion | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "singular", self.singular or self.kind.lower())
        object.__setattr__(self, "list_kind", self.list_kind or f"{self.kind}List")

    @property
    def strategy(self) -> Strategy:
        """What the server does for this kind in particular."""
        if isinstance(self.rules, str):
            object.__setattr__(self, "rules", resolve_name(f"orchestrator.api.strategies.{self.rules}")())
        return self.rules  # type: ignore[return-value]  # no name any more

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

    @property
    def storage_group(self) -> str:
        """The group under whose name the objects are stored."""
        return self.group if self.conversion is None else self.conversion.group

    def __repr__(self) -> str:
        return f"<{self.api_version} {self.kind}>"


class Kinds:
    """The kinds an API server serves, found by path, by name and by group."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
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

    def stored(self) -> Iterator[Kind]:
        """The kinds whose objects are stored, each in one version: together they show every object once."""
        return (kind for kind in self if kind.stored and kind.primary)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_path.values())
