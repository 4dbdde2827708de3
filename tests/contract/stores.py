"""Every implementation of the store's contract, by name, as functions that open one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestrator.store.base import Store
from orchestrator.store.jsonfile import JsonFileStore
from orchestrator.store.memory import MemoryStore
from orchestrator.util.clock import Clock

OpenStore = Callable[[Path, Clock, float], Store]

STORES: dict[str, OpenStore] = {
    "memory": lambda folder, clock, history: MemoryStore(clock, history),
    "jsonfile": lambda folder, clock, history: JsonFileStore(folder, clock, history),
}
