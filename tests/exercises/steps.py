"""What the files in `ckad/` say.

$ COMMAND      a command of the collection, counted; it must end with 0
! COMMAND      one that is meant to fail
~ COMMAND      one that goes on until it is interrupted, after a few seconds
% COMMAND      what the reader does between commands (waits, clears up): not counted, but must end with 0
| TEXT         a line typed into the command above
? PATTERN      a regular expression found in the output of the command above
< FILE         what the reader makes of the file in his editor: the lines that follow, up to one with a single `.`
# TEXT         a comment
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

Mark = Literal["$", "!", "~", "%", "<"]


@dataclass
class Step:
    """`text` is the command, or the file's name."""

    mark: Mark
    text: str
    typed: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)

    @property
    def counted(self) -> bool:
        return self.mark in "$!~"


def read(file: Path) -> list[Step]:
    """Raises ValueError: a line that says nothing."""
    steps: list[Step] = []
    lines = iter(file.read_text().splitlines())
    for line in lines:
        mark, text = line[:1], line[2:]
        if not line or mark == "#":
            continue
        if mark in "$!~%":
            steps.append(Step(cast(Mark, mark), text))
        elif mark == "<":
            steps.append(Step("<", text, typed=list(_until_dot(lines))))
        elif mark == "|":
            steps[-1].typed.append(text)
        elif mark == "?":
            steps[-1].patterns.append(text)
        else:
            raise ValueError(f"{file}: {line!r}")
    return steps


def _until_dot(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == ".":
            return
        yield line
