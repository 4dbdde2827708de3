"""What a request gives. Objects stay the bytes that the store keeps: nothing is encoded twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.store.base import Entry


@dataclass(frozen=True, slots=True)
class Single:
    """One object (or a Status) as JSON, with the HTTP status and the sentences for the `Warning` header."""

    data: bytes
    code: int = 200
    warnings: tuple[str, ...] = ()

    def object(self) -> Object:
        return orjson.loads(self.data)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list. `remaining` counts the objects after it, None where that is not known.

    `revision` is 0 for objects that are not of the store.
    """

    kind: Kind
    entries: Sequence[Entry]
    revision: int
    continue_token: str = ""
    remaining: int | None = None

    def metadata(self) -> Object:
        meta: Object = {"resourceVersion": str(self.revision)} if self.revision else {}
        if self.continue_token:
            meta["continue"] = self.continue_token
            if self.remaining is not None:
                meta["remainingItemCount"] = self.remaining
        return meta

    def chunks(self) -> Iterator[bytes]:
        """The list as JSON, in pieces."""
        head = {"kind": self.kind.list_kind, "apiVersion": self.kind.api_version, "metadata": self.metadata()}
        yield orjson.dumps(head)[:-1] + b',"items":['
        yield b",".join([entry.data for entry in self.entries])
        yield b"]}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a watch: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR (then `data` is a Status)."""

    type: str
    data: bytes


Result = Single | Listing


#: The answer to a command that gives nothing else.
DONE = Single(
    orjson.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}), 201
)
