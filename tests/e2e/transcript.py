"""Transcripts: commands and what they print, as a text file that reads like a terminal.

    Prose begins at the margin and is only for readers.

      $ kubectl get cm settings -o name
      configmap/settings
      $ cat <<END
      > a command's further lines
      > END
      a command's further lines
      $ kubectl get cm none
      Error from server (NotFound): configmaps "none" not found
      [1]

What a command prints on standard output and standard error must be what stands below it, where `...` is any text, on a
line of its own any lines; any blanks are as good as any others, and empty lines do not count. `[1]` is its exit code
when that is not 0. A command after `$~` is tried until it passes, one after `$31` is only for kubectl 1.31 and later,
after `$-31` for earlier ones.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

_COMMAND = re.compile(r"\$(?P<again>~?)(?:(?P<before>-?)(?P<minor>\d+))? (?P<command>.*)")
_EXIT = re.compile(r"\[(\d+)\]")
_PATIENCE = 40.0
_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """A command and what is expected of it. `since` and `before` are kubectl's minor versions."""

    line: int
    command: str
    expected: tuple[str, ...] = ()
    code: int = 0
    again: bool = False
    since: int = 0
    before: int = 1000

    def runs_with(self, minor: int) -> bool:
        return self.since <= minor < self.before

    def fits(self, output: str, code: int) -> bool:
        return code == self.code and re.fullmatch(_pattern(self.expected), _blanks(output)) is not None


def parse(text: str) -> list[Step]:
    steps: list[Step] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("  "):
            continue
        line = line[2:]
        if found := _COMMAND.fullmatch(line):
            steps.append(_step(number, found))
        elif line.startswith("> "):
            steps[-1] = replace(steps[-1], command=f"{steps[-1].command}\n{line[2:]}")
        elif found := _EXIT.fullmatch(line):
            steps[-1] = replace(steps[-1], code=int(found[1]))
        else:
            steps[-1] = replace(steps[-1], expected=(*steps[-1].expected, line))
    return steps


def _step(number: int, found: re.Match[str]) -> Step:
    step = Step(number, found["command"], again=bool(found["again"]))
    if not found["minor"]:
        return step
    minor = int(found["minor"])
    return replace(step, before=minor) if found["before"] else replace(step, since=minor)


def _pattern(expected: tuple[str, ...]) -> str:
    return "".join(_line_pattern(line) for line in expected)


def _line_pattern(line: str) -> str:
    if line.strip() == "...":
        return r"(?:.*\n)*?"
    return re.escape(_blanks(line)).replace(re.escape("..."), ".*")


def _blanks(text: str) -> str:
    """Every line that is not empty without blanks at its ends, with one blank for many, and with an end."""
    return "".join(" ".join(line.split()) + "\n" for line in text.splitlines() if line.strip())


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs transcripts in `folder`, with a kubectl of that minor version on the path of `environment`."""

    folder: Path
    minor: int
    environment: Mapping[str, str] = field(repr=False)

    def failures(self, steps: list[Step]) -> list[str]:
        """What did not go as written; the steps after it are run too, as they may well not depend on it."""
        return [failure for step in steps if step.runs_with(self.minor) for failure in self._failure(step)]

    def _failure(self, step: Step) -> Iterator[str]:
        deadline = time.monotonic() + (_PATIENCE if step.again else 0)
        output, code = self._run(step.command)
        while not step.fits(output, code) and time.monotonic() < deadline:
            time.sleep(0.2)
            output, code = self._run(step.command)
        if not step.fits(output, code):
            expected = "".join(f"{line}\n" for line in step.expected)
            yield f"line {step.line}: $ {step.command}\n{output}[{code}]\n--- expected\n{expected}[{step.code}]\n"

    def _run(self, command: str) -> tuple[str, int]:
        done = subprocess.run(
            ["timeout", "-k", "1", str(_LIMIT), "bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.stdout, done.returncode
