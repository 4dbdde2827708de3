"""Which images the node's pods brought to the engine, and when each was last used: kept in a file.

The engine cannot be asked whose an image is, and it may hold much that is not podlab's: what is not written down here
is somebody else's.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from agent.image_name import canonical
from agent.runtime.base import Image
from orchestrator.util.clock import Clock
from orchestrator.util.files import write_atomically

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """`names` are those it was pulled by, in full (`image_name.canonical`). Times are seconds since the epoch."""

    names: tuple[str, ...]
    pulled_at: float
    last_used: float


class ImageRecords:
    """By image id. Thread-safe."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = file, clock
        self._lock = threading.Lock()
        self._records = _read(file)
        self._saved = dict(self._records)

    def all(self) -> Mapping[str, Record]:
        with self._lock:
            return dict(self._records)

    def pulled(self, reference: str, before: Image | None, image: Image) -> None:
        """The pods' pull of `reference` brought `image`; `before` is what it named until then.

        A name that was here already and is not in the records is the user's, and stays so with what it names now.
        """
        with self._lock:
            if before is not None and before.id not in self._records:
                return
            now, known = self._clock.now(), self._records.get(image.id)
            names = {*(known.names if known else ()), canonical(reference)}
            self._records[image.id] = Record(tuple(sorted(names)), known.pulled_at if known else now, now)
            self._save()

    def used(self, ids: Iterable[str]) -> None:
        """A pod uses them, or is about to. Written with the next change: an agent that dies loses only age."""
        now = self._clock.now()
        with self._lock:
            for id in self._records.keys() & set(ids):
                self._records[id] = replace(self._records[id], last_used=now)

    def keep(self, ids: Iterable[str]) -> None:
        """Forget the images that are not among `ids`: the engine has them no more."""
        with self._lock:
            there = set(ids)
            self._records = {id: record for id, record in self._records.items() if id in there}
            self._save()

    def _save(self) -> None:
        """What cannot be written must do no harm: the images will be taken for the user's, and stay."""
        if self._records == self._saved:
            return
        data = {id: asdict(record) for id, record in self._records.items()}
        try:
            write_atomically(self._file, json.dumps(data, indent=1).encode())
            self._saved = dict(self._records)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error.strerror)


def _read(file: Path) -> dict[str, Record]:
    try:
        found = json.loads(file.read_bytes())
        return {
            id: Record(tuple(entry["names"]), float(entry["pulled_at"]), float(entry["last_used"]))
            for id, entry in found.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s cannot be read, the images pulled so far will not be removed: %s", file, error)
        return {}
