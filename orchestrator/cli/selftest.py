"""`podlab test`: everything the tests need, then all tests. The launcher has installed the Python packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

from orchestrator.cli import engine
from orchestrator.cli.failure import Failure
from orchestrator.cli.progress import step

ROOT = Path(__file__).resolve().parents[2]
#: Commands the tests use, and Debian's package for each.
TOOLS = {"kubectl": "kubernetes-client", "curl": "curl", "ip": "iproute2", "debootstrap": "debootstrap"}


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--only-install", is_flag=True, help="Install what the tests need and stop.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(only_install: bool, pytest_arguments: tuple[str, ...]) -> None:
    """Install what the tests need, then run them all (or those that PYTEST_ARGUMENTS name)."""
    with step("Tools for the tests") as progress:
        _install_tools()
        engine.ensure("", progress.say)
    if only_install:
        return
    command = [sys.executable, "-m", "pytest", *pytest_arguments]
    sys.exit(subprocess.run(command, cwd=ROOT, env={**os.environ, "PODLAB_TEST_ALL": "1"}).returncode)


def _install_tools() -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if not missing:
        return
    packages = [TOOLS[tool] for tool in missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Failure(f"the tests need {', '.join(missing)}: install {' '.join(packages)} (sudo apt-get install ...)")
    engine.apt_install(packages)
