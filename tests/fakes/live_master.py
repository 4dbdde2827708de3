"""A whole master in the test's own process that listens on a free port, over a memory store, and a kubectl for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import yaml

from orchestrator.api.meta import Object
from orchestrator.cli import kubeconfig
from orchestrator.main import master
from orchestrator.store.memory import MemoryStore
from orchestrator.util.clock import SystemClock
from tests.fakes.api import cluster_home


@dataclass(frozen=True, slots=True)
class LiveMaster:
    home: Path

    @property
    def kubeconfig(self) -> Path:
        return self.home / "kubeconfig"

    @property
    def environment(self) -> dict[str, str]:
        # A HOME of its own: kubectl keeps what it discovered by host and port, which another test may get again.
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.home)}

    def kubectl(
        self, program: Path, *arguments: str, stdin: Object | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [program, *arguments],
            env=self.environment,
            input=orjson.dumps(stdin).decode() if stdin is not None else "",
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0 or not check, f"{arguments}: {done.stdout}{done.stderr}"
        return done


@contextmanager
def live_master(home: Path) -> Iterator[LiveMaster]:
    settings = cluster_home(home)
    found = LiveMaster(home)
    found.kubeconfig.write_text(yaml.safe_dump(kubeconfig.build(settings)))
    with master(settings, store=MemoryStore(SystemClock())):
        yield found
