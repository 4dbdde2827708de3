"""`podlab`: the command line. Verbs live in a file a family; here they are put together."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator import __version__
from orchestrator.cli import demo, images, lifecycle, nodes, selftest
from orchestrator.util.settings import default_home


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="podlab")
@click.option("--name", default="podlab", show_default=True, help="The cluster to work with.")
@click.pass_context
def cli(context: click.Context, name: str) -> None:
    """Run real containers as Kubernetes pods on this machine's Docker Engine."""
    context.obj = default_home(name)


@cli.command()
@click.option("--path", is_flag=True, help="Only print where the file is.")
@click.pass_obj
def kubeconfig(home: Path, path: bool) -> None:
    """Print a kubeconfig for the cluster (or where the user's own is)."""
    lifecycle.print_kubeconfig(home, path)


for command in (
    lifecycle.up,
    lifecycle.down,
    lifecycle.run,
    lifecycle.status,
    lifecycle.logs,
    nodes.node,
    images.push,
    images.images,
    demo.demo,
    selftest.test,
):
    cli.add_command(command)


def main() -> None:
    cli(prog_name="podlab")


if __name__ == "__main__":
    main()
