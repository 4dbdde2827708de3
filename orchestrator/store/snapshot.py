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
_END = b"]}"


def write(folder: Path, revision: int, entries: Collection[Entry]) -> None:
    """Raises OSError; then the snapshot there was is untouched."""
    head = orjson.dumps({"revision": revision, "count": len(entries)})[:-1] + _HEAD_END
    body = b",\n".join(lines.encode({"key": entry.key, "rev": entry.revision}, entry.data) for entry in entries)
    write_atomically(folder / NAME, head + b"\n" + body + b"\n" + _END + b"\n", 0o600)


def read(folder: Path) -> State | None:
    """None when there is no snapshot. Raises StoreDamaged, OSError."""
    path = folder / NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    head, *body = content.split(b"\n")
    try:
        about = orjson.loads(head + _END)
        entries = [_entry(path, number, line) for number, line in enumerate(body, 2) if line not in (b"", _END)]
        revision, count = int(about["revision"]), int(about["count"])
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(path, 1, str(error)) from error
    if len(entries) != count or not content.endswith(_END + b"\n"):
        raise _damaged(path, len(body), f"it should have {count} entries, and has {len(entries)}")
    return State.of(revision, entries)


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        header, data = lines.decode(line.removesuffix(b","))
    except lines.BadLine as error:
        raise _damaged(path, number, str(error)) from error
    return Entry(header["key"], header["rev"], data)


def _damaged(path: Path, number: int, why: str) -> StoreDamaged:
    return StoreDamaged(f"{path}, line {number}: {why}. Put the whole folder {path.parent} back from a copy")
