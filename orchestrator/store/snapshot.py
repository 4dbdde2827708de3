"""`state.json`: all objects as of one revision; the journals go on from there.

One JSON document, an entry a line, so that each line is checked by itself (`orchestrator.store.lines`).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import orjson

from orchestrator.store import lines
from orchestrator.store.base import Entry, StoreDamaged
from orchestrator.store.state import State
from orchestrator.util.files import write_atomically

NAME = "state.json"
_HEAD_END = b',"entries":['
_END = b"]}\n"


def write(folder: Path, revision: int, entries: Collection[Entry]) -> None:
    """Raises OSError; then the snapshot there was is untouched."""
    head = lines.seal(orjson.dumps({"revision": revision, "count": len(entries)})[:-1])[:-1] + _HEAD_END
    body = [lines.encode({"key": entry.key, "rev": entry.revision}, entry.data) for entry in entries]
    parts = [head, b",\n".join(body)] if body else [head]
    write_atomically(folder / NAME, b"\n".join([*parts, _END]), 0o600)


def read(folder: Path) -> State | None:
    """None when there is no snapshot. Raises StoreDamaged, OSError."""
    path = folder / NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    number = 1
    try:
        head, *body = content.removesuffix(_END).splitlines()
        about = orjson.loads(lines.unseal(head.removesuffix(_HEAD_END) + b"}") + b"}")
        entries = []
        for line in body:
            number += 1
            header, data = lines.decode(line.removesuffix(b","))
            entries.append(Entry(header["key"], header["rev"], data))
        if len(entries) != about["count"] or not content.endswith(_END):
            raise lines.BadLine(f"{about['count']} entries should end here")
    except (ValueError, KeyError) as error:
        raise StoreDamaged(f"{path}, line {number}: {error}. Put the whole folder back from a copy") from error
    return State.of(about["revision"], entries)
