"""Admission: what must be looked up or reserved before a write. Plugins run in order; each may change the object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.request import User
from orchestrator.server import keys
from orchestrator.store.base import KeyNotFound, Store, Written

Operation = Literal["CREATE", "UPDATE", "DELETE"]


@dataclass(slots=True)
class Attributes:
    """One write about to happen. `new` is None for DELETE, `old` is None for CREATE."""

    operation: Operation
    kind: Kind
    namespace: str
    name: str
    user: User
    new: Object | None = None
    old: Object | None = None
    subresource: str = ""
    dry_run: bool = False
    #: Run, last first, when the write does not happen: gives back what a plugin reserved.
    undo: list[Callable[[], None]] = field(default_factory=list)
    #: Run when the write has happened.
    after: list[Callable[[], None]] = field(default_factory=list)

    def settle(self, written: Written) -> None:
        """Wait for the write, if something hangs on whether it happens. Raises StoreUnavailable."""
        if self.undo or self.after:
            written.wait()


class View:
    """What a plugin may see of the state."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        try:
            return self._store.get(keys.key(kind, namespace, name)).object()
        except KeyNotFound:
            return None

    def all(self, kind: Kind, namespace: str = "") -> Iterator[Object]:
        """All objects, or those of one namespace."""
        return (entry.object() for entry in self._store.list(keys.prefix(kind, namespace)).entries)


class Plugin:
    """Does nothing; override what is needed."""

    def admit(self, attributes: Attributes) -> None:
        """Change `attributes.new` in place, or refuse by raising an ApiError."""

    def check(self, attributes: Attributes) -> None:
        """The same for `attributes.new` as it will be written: it keeps its kind's rules, and changes no more."""

    def removed(self, kind: Kind, obj: Object) -> None:
        """`obj` has left the store."""


class Admission:
    def __init__(self, plugins: Sequence[Plugin] = ()) -> None:
        # Most plugins care about one step only, and there are many plugins.
        self._admit = [plugin.admit for plugin in plugins if type(plugin).admit is not Plugin.admit]
        self._check = [plugin.check for plugin in plugins if type(plugin).check is not Plugin.check]
        self._removed = [plugin.removed for plugin in plugins if type(plugin).removed is not Plugin.removed]

    @contextmanager
    def admit(self, attributes: Attributes, validate: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Run the plugins, `validate` between their two steps, then the body, which writes.

        What they reserved is kept only if it was written. A body that begins a write has the attributes `settle` it.
        """
        written = False
        try:
            for admit in self._admit:
                admit(attributes)
            validate()
            for check in self._check:
                check(attributes)
            yield
            written = not attributes.dry_run
        finally:
            for action in attributes.after if written else reversed(attributes.undo):
                action()

    def removed(self, kind: Kind, obj: Object) -> None:
        for forget in self._removed:
            forget(kind, obj)
