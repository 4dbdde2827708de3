"""A process that writes to a store until it is killed: `python -m tests.faults.store_writer FOLDER WRITERS`.

Each acknowledged write is told on standard output, one `KEY REVISION` a line, after the store acknowledged it.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from orchestrator.store import journal
from orchestrator.store.jsonfile import JsonFileStore
from orchestrator.util.clock import SystemClock


def write(store: JsonFileStore, name: str) -> None:
    key, body = f"/core/pods/{name}", "x" * 300
    revision = store.get(key).revision if store.list(key).entries else store.create(key, {"n": 0}).revision
    while True:
        revision = store.update(key, {"n": revision, "body": body}, revision).revision
        os.write(1, f"{key} {revision}\n".encode())


def main(folder: Path, writers: int) -> None:
    # Small files, so that the kill also meets new files and snapshots.
    journal.FILE_BYTES = 20_000
    store = JsonFileStore(folder, SystemClock(), history_seconds=0.05)
    for number in range(writers - 1):
        threading.Thread(target=write, args=(store, f"w{number}"), daemon=True).start()
    write(store, "main")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
