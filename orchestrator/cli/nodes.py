"""`podlab node add|stop|rm`: nodes of this machine come and go."""

from __future__ import annotations

import re
from pathlib import Path

import click

from orchestrator.api.errors import NotFound
from orchestrator.api.groups import core
from orchestrator.cli.cluster import Cluster, open_cluster, wait_ready
from orchestrator.cli.failure import Failure
from orchestrator.cli.lifecycle import READY_TIMEOUT, halt
from orchestrator.cli.processes import stop
from orchestrator.cli.progress import step

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")


@click.group()
def node() -> None:
    """Add, stop and remove nodes of this machine."""


@node.command()
@click.argument("name", required=False)
@click.pass_obj
def add(home: Path, name: str | None) -> None:
    """Start node NAME (default: the next free node-N); a stopped one is started again."""
    cluster = open_cluster(home)
    name = name or _next(cluster.nodes)
    if not _NAME.fullmatch(name):
        raise Failure(f"{name!r} is no node name: use lower case letters, digits, '-' and '.'")
    if not cluster.serves:
        raise Failure("the cluster is down: run `podlab up` first")
    with step(f"Node {name} ready") as progress:
        cluster.add_node(name)
        cluster.ensure_identities()
        for component in cluster.node_components(name):
            component.start()
        wait_ready(cluster, [name], READY_TIMEOUT, progress.tick)


@node.command(name="stop")
@click.argument("name")
@click.pass_obj
def stop_node(home: Path, name: str) -> None:
    """Switch node NAME off, its containers with it, as if the machine had lost power."""
    cluster = _with_node(home, name)
    with step(f"Node {name} stopped"):
        stop(cluster.node_components(name))
        halt(cluster, "--node", name)
    click.echo(
        f"  it turns NotReady within {cluster.settings.node_grace:.0f} s and its pods move "
        f"{cluster.settings.eviction_seconds} s later; `podlab node add {name}` brings it back",
        err=True,
    )


@node.command()
@click.argument("name")
@click.pass_obj
def rm(home: Path, name: str) -> None:
    """Remove node NAME, its containers and its data; its pods are replaced elsewhere."""
    cluster = _with_node(home, name)
    with step(f"Node {name} removed"):
        stop(cluster.node_components(name))
        halt(cluster, "--node", name, "--remove")
        try:
            cluster.client().delete(core.NODE, name)
        except NotFound:
            click.echo(f"  {name} was not registered", err=True)
        cluster.remove_node(name)


def _with_node(home: Path, name: str) -> Cluster:
    cluster = open_cluster(home)
    if name not in cluster.nodes:
        raise Failure(f"there is no node {name!r}: this machine has {', '.join(cluster.nodes) or 'none'}")
    return cluster


def _next(nodes: list[str]) -> str:
    return next(name for number in range(1, len(nodes) + 2) if (name := f"node-{number}") not in nodes)
