"""The cluster's processes: started detached, known by a pid file that cannot be mistaken for another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.util.files import write_atomically

#: A log larger than this is put aside (as NAME.log.1) when its process is started.
LOG_LIMIT = 10 << 20


@dataclass(frozen=True, slots=True)
class Component:
    """One process of a cluster: `python -m MODULE ARGUMENTS`, with HOME/logs/NAME.log and HOME/run/NAME.pid."""

    name: str
    home: Path
    module: str
    arguments: tuple[str, ...]

    @property
    def log(self) -> Path:
        return self.home / "logs" / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.home / "run" / f"{self.name}.pid"

    def pid(self) -> int | None:
        """The pid of the running process, or None. Safe after a reboot and after the pid went to another process."""
        try:
            pid, started = self.pid_file.read_text().split()
        except (FileNotFoundError, ValueError):
            return None
        return int(pid) if _start_time(int(pid)) == started else None

    def start(self) -> bool:
        """Start it unless it runs; True when it was started."""
        if self.pid() is not None:
            return False
        for folder in (self.log.parent, self.pid_file.parent):
            folder.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", self.module, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
                env=_environment(),
            )
        write_atomically(self.pid_file, f"{process.pid} {_start_time(process.pid)}".encode())
        return True

    def last_words(self) -> str:
        """The last line of its log: what a component that failed to start said."""
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except FileNotFoundError:
            return ""
        return lines[-1] if lines else ""


def stop(components: Sequence[Component], grace: float = 10.0) -> list[str]:
    """SIGTERM all, SIGKILL those that have not ended after `grace` seconds; returns the names of those that ran."""
    running = {component: pid for component in components if (pid := component.pid()) is not None}
    for pid in running.values():
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + grace
    for component, pid in running.items():
        while component.pid() is not None:
            if time.monotonic() > deadline:
                _signal(pid, signal.SIGKILL)
            time.sleep(0.01)
        component.pid_file.unlink(missing_ok=True)
    return [component.name for component in running]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _start_time(pid: int) -> str:
    """Identifies a process beyond its pid: boot id and start time in ticks (proc(5)); "" when it is not running."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    if fields[0] in "ZX":  # a zombie, or dead: it has ended
        return ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}:{fields[19]}"


def _environment() -> dict[str, str]:
    """The caller's, with this source tree importable from anywhere and glibc's arenas bounded (many threads)."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.environ.get("PYTHONPATH")
    return {
        "MALLOC_ARENA_MAX": "2",
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{path}" if path else root,
    }
