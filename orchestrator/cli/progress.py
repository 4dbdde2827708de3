"""Progress of long steps: one line a step, with a spinner on a terminal and the time it took."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click


class Step:
    """A running step. `tick` is called while waiting, about ten times a second or more."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._frames = itertools.cycle("|/-\\")
        self._drawn = 0.0
        self._start = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def tick(self) -> None:
        """Redraw, and wait a moment."""
        now = time.monotonic()
        if self._terminal and now - self._drawn > 0.1:
            self._drawn = now
            click.echo(f"\r  {next(self._frames)} {self.title} ", nl=False, err=True)
        time.sleep(0.02)

    def say(self, text: str) -> None:
        """Something worth a line of its own within the step."""
        click.echo(f"{self._wipe()}    {text}", err=True)

    def end(self, mark: str) -> None:
        click.echo(f"{self._wipe()}  {mark} {self.title} ({time.monotonic() - self._start:.1f} s)", err=True)

    def _wipe(self) -> str:
        return "\r\x1b[K" if self._terminal else ""


@contextmanager
def step(title: str) -> Iterator[Step]:
    """A step that ends with a tick mark, or with a cross when an exception leaves it."""
    running = Step(title)
    try:
        yield running
    except BaseException:
        running.end(click.style("✗", fg="red"))
        raise
    running.end(click.style("✓", fg="green"))
