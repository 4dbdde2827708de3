"""`podlab push`, `podlab images`: the bundled registry, which is its own program."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.cli.cluster import open_cluster
from orchestrator.cli.lifecycle import run_module


@click.command()
@click.argument("image")
@click.argument("target", required=False)
@click.pass_obj
def push(home: Path, image: str, target: str | None) -> None:
    """Push local IMAGE to the bundled registry, as TARGET (default: its own name).

    `podlab push web:v1` makes it `localhost:5001/web:v1`, for pods as for the engine.
    """
    run_module(open_cluster(home), "registry", "push", image, *([target] if target else []))


@click.command()
@click.pass_obj
def images(home: Path) -> None:
    """List the images in the bundled registry."""
    run_module(open_cluster(home), "registry", "images")
