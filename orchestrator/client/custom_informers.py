"""The informers of custom kinds: one begins when its definition is established, and ends when that is gone."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.api.custom.definition import client_kind
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Key, Object, key
from orchestrator.client.informer import Informer

#: Told of an informer; runs in the thread of the definitions' informer.
Tell = Callable[[Informer], None]


class CustomInformers:
    """`of` and `drop` begin and end the informer of a kind.

    Where a definition moves to another version, its new informer begins before the old one ends.
    """

    def __init__(self, of: Callable[[Kind], Informer], drop: Callable[[Kind], None]) -> None:
        self._of, self._drop = of, drop
        self._kinds: dict[Key, Kind] = {}
        self._followers: list[tuple[Tell, Tell]] = []

    def follow(self, begun: Tell, ended: Tell) -> Informer:
        """Have `begun` told of each informer, and `ended` when no more comes of it. Ask before the informers start.

        Returns the definitions' informer: when that is in step, all custom kinds that there are have been told of.
        """
        definitions = self._of(CUSTOM_RESOURCE_DEFINITION)
        if not self._followers:
            definitions.add_handler(self._changed)
        self._followers.append((begun, ended))
        return definitions

    def _changed(self, old: Object | None, new: Object | None) -> None:
        where = key(new or old or {})
        before, after = self._kinds.get(where), client_kind(new) if new is not None else None
        if _same(before, after):
            return
        if after is not None:
            self._kinds[where] = after
            self._tell(after, lambda follower: follower[0])
        else:
            del self._kinds[where]
        if before is not None:
            self._tell(before, lambda follower: follower[1])
            self._drop(before)

    def _tell(self, kind: Kind, which: Callable[[tuple[Tell, Tell]], Tell]) -> None:
        informer = self._of(kind)
        for follower in self._followers:
            which(follower)(informer)


def _same(one: Kind | None, other: Kind | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.version, one.kind, one.namespaced) == (other.version, other.kind, other.namespaced)
