"""A progress bar over the layers of a push or pull."""

from __future__ import annotations

import sys
import threading
from types import TracebackType

import click


class LayerBar:
    """Sums the layers' bytes into one bar. `update` is an `agent.runtime.base.Progress`; a layer's total may grow."""

    def __init__(self, label: str) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._bar = click.progressbar(length=1, label=label, file=sys.stderr, show_pos=False)

    def __enter__(self) -> LayerBar:
        self._bar.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._bar.update(max(0, (self._bar.length or 0) - self._bar.pos))
        self._bar.__exit__(kind, error, trace)

    def update(self, layer: str, done: int, total: int) -> None:
        with self._lock:
            self._layers[layer] = (done, max(done, total))
            self._bar.length = max(1, sum(total for _, total in self._layers.values()))
            self._bar.update(max(0, sum(done for done, _ in self._layers.values()) - self._bar.pos))
