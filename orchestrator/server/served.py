"""The kinds that the server serves: those built in, and those that CustomResourceDefinitions make, as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.api.custom.definition import is_established
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.kinds import Kind, Kinds
from orchestrator.api.meta import Object, generation, is_deleting, status, uid
from orchestrator.server import keys
from orchestrator.server.follower import Follower
from orchestrator.store.base import Entry, Store


class CustomKinds:
    """The kinds of the definitions there are; `kinds` is replaced as a whole, so that it can be read meanwhile."""

    def __init__(self) -> None:
        self.kinds = Kinds(())
        #: Key of a definition -> what of it its kinds depend on, and the kinds.
        self._made: dict[str, tuple[object, tuple[Kind, ...]]] = {}

    def put(self, entry: Entry) -> None:
        crd = entry.object()
        facts = _facts(crd)
        if entry.key not in self._made or self._made[entry.key][0] != facts:
            # Only a cluster with such definitions loads what reads their schemas.
            from orchestrator.api.custom.kinds import served_kinds

            self._made[entry.key] = (facts, served_kinds(crd))
            self._renew()

    def drop(self, entry: Entry) -> None:
        if self._made.pop(entry.key, None):
            self._renew()

    def _renew(self) -> None:
        self.kinds = Kinds(kind for _, kinds in self._made.values() for kind in kinds)


def _facts(crd: Object) -> object:
    """To prepare schemas takes long, and a status is written more often than a definition changes."""
    return uid(crd), generation(crd), is_deleting(crd), status(crd).get("acceptedNames"), is_established(crd)


class ServedKinds(Kinds):
    """As of every write that was acknowledged before it is asked. Built-in kinds are found without a look further."""

    def __init__(self, builtin: Iterable[Kind], store: Store) -> None:
        super().__init__(builtin)
        self._custom = Follower(store, keys.prefix(CUSTOM_RESOURCE_DEFINITION), CustomKinds)

    def by_path(self, group: str, version: str, plural: str) -> Kind | None:
        return super().by_path(group, version, plural) or self._custom_kinds().by_path(group, version, plural)

    def by_type(self, api_version: str, kind: str) -> Kind | None:
        return super().by_type(api_version, kind) or self._custom_kinds().by_type(api_version, kind)

    def __iter__(self) -> Iterator[Kind]:
        yield from super().__iter__()
        yield from self._custom_kinds()

    def _custom_kinds(self) -> Kinds:
        return self._custom.index().kinds
