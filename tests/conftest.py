"""What every test may ask for. A missing service skips on a developer's machine and fails in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from orchestrator.util.clock import FakeClock


def missing(what: str) -> NoReturn:
    """Skip, or fail where everything must be there (CI, `./podlab test`)."""
    if os.environ.get("CI") or os.environ.get("PODLAB_TEST_ALL"):
        pytest.fail(f"{what} is needed and not there")
    pytest.skip(f"{what} is not there")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """The address of a Docker Engine that answers."""
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "version"], capture_output=True, timeout=30).returncode != 0:
        missing("a Docker Engine")
    yield os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """The newest kubectl on PATH."""
    return newest_kubectl() or missing("kubectl")


def newest_kubectl() -> Path | None:
    return next(reversed(kubectl_versions()), None)


def kubectl_versions() -> list[Path]:
    """Every kubectl beside the one on PATH, oldest first, or that one alone."""
    found = shutil.which("kubectl")
    if found is None:
        return []
    folder = Path(found).resolve().parent
    versions = sorted(folder.glob("kubectl.1.*"), key=lambda file: int(file.name.rsplit(".", 1)[1]))
    return versions or [Path(found)]
