"""An informer's cache: the last known objects, with indexes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable

from orchestrator.api.meta import Key, Object, namespace

#: The index values of an object: names of nodes, uids of owners, ...
IndexFunction = Callable[[Object], Iterable[str]]

_NAMESPACE = "namespace"


class _Index:
    """Which keys have which value."""

    def __init__(self, function: IndexFunction) -> None:
        self._function = function
        #: A dict for a set that keeps its order.
        self._keys: dict[str, dict[Key, None]] = {}
        self._values: dict[Key, tuple[str, ...]] = {}

    def keys(self, value: str) -> Collection[Key]:
        return self._keys.get(value, ())

    def put(self, key: Key, obj: Object) -> None:
        values = tuple(dict.fromkeys(self._function(obj)))
        if values == self._values.get(key, ()):
            return
        self.remove(key)
        if values:
            self._values[key] = values
        for value in values:
            self._keys.setdefault(value, {})[key] = None

    def remove(self, key: Key) -> None:
        for value in self._values.pop(key, ()):
            keys = self._keys[value]
            keys.pop(key, None)
            if not keys:
                del self._keys[value]


class Cache:
    """Objects are shared with every reader: never change one, copy it first. Any thread may read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._objects: dict[Key, Object] = {}
        self._indexes = {_NAMESPACE: _Index(lambda obj: (namespace(obj),))}

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: Key) -> Object | None:
        return self._objects.get(key)

    def keys(self) -> list[Key]:
        with self._lock:
            return list(self._objects)

    def by_index(self, name: str, value: str) -> list[Object]:
        """The objects whose index function gave `value`. Raises KeyError when there is no such index."""
        with self._lock:
            return [self._objects[key] for key in self._indexes[name].keys(value)]

    def count(self, name: str, value: str) -> int:
        """How many objects `by_index` would give."""
        with self._lock:
            return len(self._indexes[name].keys(value))

    def add_index(self, name: str, function: IndexFunction) -> None:
        with self._lock:
            index = _Index(function)
            for key, obj in self._objects.items():
                index.put(key, obj)
            self._indexes[name] = index

    def put(self, key: Key, obj: Object) -> Object | None:
        """Add or replace; returns the object that was there before."""
        with self._lock:
            old = self._objects.get(key)
            self._objects[key] = obj
            for index in self._indexes.values():
                index.put(key, obj)
            return old

    def remove(self, key: Key) -> Object | None:
        with self._lock:
            for index in self._indexes.values():
                index.remove(key)
            return self._objects.pop(key, None)

    def list(self, namespace: str = "") -> list[Object]:
        """All objects, or those of one namespace, in no order."""
        with self._lock:
            if namespace:
                return [self._objects[key] for key in self._indexes[_NAMESPACE].keys(namespace)]
            return list(self._objects.values())
