"""What every verb works on, and the errors that the store's become."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from orchestrator.api.errors import not_found
from orchestrator.api.kinds import Kind, Kinds
from orchestrator.api.meta import Object
from orchestrator.api.request import User
from orchestrator.server import keys
from orchestrator.server.admission.base import Admission
from orchestrator.server.conversion import shown, stored
from orchestrator.server.security import Security
from orchestrator.server.summaries import Summaries
from orchestrator.store.base import Entry, KeyNotFound, Store, Written
from orchestrator.util.clock import Clock


@dataclass(frozen=True, slots=True)
class Backend:
    """Each request has its own, for the writes that it has `begun`: none is told of before all are acknowledged."""

    store: Store
    kinds: Kinds
    admission: Admission
    security: Security
    clock: Clock
    rng: random.Random
    summaries: Summaries
    begun: list[Written] = field(default_factory=list)

    def acknowledge(self) -> None:
        """Wait for what was begun. Raises StoreUnavailable."""
        for written in self.begun:
            written.wait()

    def entry(self, kind: Kind, namespace: str, name: str) -> Entry:
        """Raises NotFound."""
        try:
            return shown(kind, self.store.get(keys.key(kind, namespace, name)))
        except KeyNotFound:
            raise not_found(kind.group, kind.plural, name) from None

    def create(self, kind: Kind, namespace: str, name: str, obj: Object, user: User) -> Written:
        """Raises KeyExists."""
        key = keys.key(kind, namespace, name)
        return self._begun(kind, self.store.begin_create(key, stored(kind, obj), by=user.name))

    def remove(self, kind: Kind, entry: Entry, user: User) -> Entry:
        """Take an object out of the store. Raises RevisionConflict, NotFound."""
        try:
            last = shown(kind, self.store.delete(entry.key, entry.revision, by=user.name))
        except KeyNotFound:
            raise not_found(kind.group, kind.plural, entry.key.rpartition("/")[2]) from None
        self.admission.removed(kind, last.object())
        return last

    def write(self, kind: Kind, entry: Entry, obj: Object, user: User) -> Written:
        """Replace an object. Raises RevisionConflict, NotFound."""
        try:
            begun = self.store.begin_update(entry.key, stored(kind, obj), entry.revision, by=user.name)
        except KeyNotFound:
            raise not_found(kind.group, kind.plural, entry.key.rpartition("/")[2]) from None
        return self._begun(kind, begun)

    def _begun(self, kind: Kind, written: Written) -> Written:
        self.begun.append(written)
        return written if kind.conversion is None else Written(shown(kind, written.entry), written.wait)
