"""One shell that a section's commands share, as a learner's terminal."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import threading
from pathlib import Path
from typing import IO

from tests.exercises.steps import Step

#: Seconds: until a command is taken for hung, and until one that does not end by itself is interrupted.
_HUNG, _ENOUGH = 120, 6


class Shell:
    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._process = self._start()

    def run(self, step: Step) -> tuple[int, str]:
        """The step's exit code and output."""
        if step.mark == "<":
            (self._folder / step.text).write_text("\n".join(step.typed) + "\n")
            return 0, ""
        end = f"--- {secrets.token_hex(8)}"
        self._write(f"{{ {_command(step)}\n}} {_input(step)}\ncode=$?; echo; echo '{end}' $code\n")
        timer = threading.Timer(_HUNG, lambda: os.killpg(self._process.pid, signal.SIGKILL))
        timer.start()
        try:
            return self._read(end)
        finally:
            timer.cancel()

    def close(self) -> None:
        self._pipe(self._process.stdin).close()
        self._process.wait()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["bash"],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._pipe(process.stdin).write('k() { kubectl "$@"; }\n')
        return process

    def _read(self, end: str) -> tuple[int, str]:
        output = ""
        for line in self._pipe(self._process.stdout):
            if line.startswith(end):
                return int(line.split()[-1]), output
            output += line
        self._process.wait()
        self._process = self._start()
        return 124, f"{output}(still running after {_HUNG} s)\n"

    def _write(self, text: str) -> None:
        pipe = self._pipe(self._process.stdin)
        pipe.write(text)
        pipe.flush()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def _command(step: Step) -> str:
    if step.mark != "~":
        return step.text
    quoted = step.text.replace("'", "'\\''")
    return f"timeout -s INT -k 5 {_ENOUGH} bash -c '{quoted}'"


def _input(step: Step) -> str:
    if not step.typed:
        return "</dev/null"
    typed = "\n".join(step.typed)
    return f"<<'TYPED'\n{typed}\nTYPED"
