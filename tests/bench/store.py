"""Writes a second of the JSON file store, as a ratio to the floor: a bare loop of write and fsync of the same bytes.

python -m tests.bench.store [FOLDER] [--seconds N]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.api.meta import Object
from orchestrator.store import journal
from orchestrator.store.base import Event, Store
from orchestrator.store.changes import encode
from orchestrator.store.jsonfile import JsonFileStore
from orchestrator.store.log import Write
from orchestrator.util.clock import SystemClock

ROUNDS = 3


def pod(name: str) -> Object:
    """About as large as a running pod: 2 kB."""
    container = {"name": "nginx", "image": "localhost:5001/web:1", "ports": [{"containerPort": 80}]}
    conditions = [
        {"type": f"Condition{n}", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"} for n in range(5)
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {f"label-{n}": "x" * 20 for n in range(10)}},
        "spec": {"containers": [container] * 3},
        "status": {"phase": "Running", "conditions": conditions, "podIP": "172.17.0.2"},
    }


def count(seconds: float, workers: int, work: Callable[[int, int], None]) -> float:
    """How often a second `work(worker, n)` ran, in `workers` threads."""
    done = [0] * workers
    end = time.monotonic() + seconds

    def run(worker: int) -> None:
        while time.monotonic() < end:
            work(worker, done[worker])
            done[worker] += 1

    threads = [threading.Thread(target=run, args=(worker,)) for worker in range(workers)]
    begin = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - begin)


def floor(folder: Path, seconds: float) -> float:
    entry = encode("/core/pods/default/web", 1000, pod("web"))
    line = journal.line(Write(Event("ADDED", entry, None), time.time(), "admin"))
    fd = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def write(worker: int, n: int) -> None:
        os.write(fd, line)
        os.fdatasync(fd)

    try:
        return count(seconds, 1, write)
    finally:
        os.close(fd)


def writes(store: Store, seconds: float, writers: int) -> float:
    """Updates, each writer of a pod of its own."""
    revisions = [store.create(f"/core/pods/default/{w}", pod(str(w))).revision for w in range(writers)]

    def write(worker: int, n: int) -> None:
        obj = pod(str(worker))
        revisions[worker] = store.update(f"/core/pods/default/{worker}", obj, revisions[worker], by="admin").revision

    return count(seconds, writers, write)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--seconds", type=float, default=1.0)
    given = parser.parse_args()
    figures: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        for number in range(ROUNDS):
            folder = Path(name) / str(number)
            folder.mkdir()
            base = floor(folder, given.seconds)
            figures.setdefault("bare write+fsync", []).append(base)
            for writers in (1, 16):
                store = JsonFileStore(folder / str(writers), SystemClock())
                rate = writes(store, given.seconds, writers)
                store.close()
                figures.setdefault(f"{writers} writers", []).append(rate)
                figures.setdefault(f"{writers} writers / bare", []).append(rate / base)
    for figure, values in figures.items():
        print(f"{figure:24} {statistics.median(values):10.2f}   ({', '.join(f'{value:.2f}' for value in values)})")


if __name__ == "__main__":
    main()
