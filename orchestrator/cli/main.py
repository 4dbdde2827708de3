"""`podlab`: the command line. Verbs live in a file each or a family; here they are put together."""

from __future__ import annotations

import os
from typing import Any

import click

from orchestrator import __version__
from orchestrator.api.errors import ApiError, Unreachable
from orchestrator.cli.failure import Failure
from orchestrator.cli.lazy import LazyGroup
from orchestrator.util.settings import default_home

_VERBS = "orchestrator.cli.verbs"
_SECTIONS = {
    "The cluster": {
        "up": "orchestrator.cli.lifecycle:up",
        "down": "orchestrator.cli.lifecycle:down",
        "run": "orchestrator.cli.lifecycle:run",
        "status": "orchestrator.cli.lifecycle:status",
        "cluster-logs": "orchestrator.cli.lifecycle:cluster_logs",
        "node": "orchestrator.cli.nodes:node",
        "push": "orchestrator.cli.images:push",
        "images": "orchestrator.cli.images:images",
        "kubeconfig": "orchestrator.cli.lifecycle:print_kubeconfig",
        "demo": "orchestrator.cli.demo:demo",
        "test": "orchestrator.cli.selftest:test",
    },
    "What runs in it (as kubectl has it)": {
        "get": f"{_VERBS}.get:get",
        "describe": f"{_VERBS}.describe:describe",
        "apply": f"{_VERBS}.apply:apply",
        "delete": f"{_VERBS}.delete:delete",
        "logs": f"{_VERBS}.logs:logs",
        "exec": f"{_VERBS}.exec:exec_",
        "port-forward": f"{_VERBS}.port_forward:port_forward",
        "scale": f"{_VERBS}.scale:scale",
        "rollout": f"{_VERBS}.rollout:rollout",
        "top": f"{_VERBS}.top:top",
    },
}
#: What a shell says of a command that SIGINT ended.
_INTERRUPTED = 130


class _Podlab(LazyGroup):
    """Of every command: an error of the API is one sentence, and ^C is quiet."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Unreachable as error:
            raise Failure(f"{error.message}: `podlab status` says what runs, `podlab up` starts it") from None
        except ApiError as error:
            raise Failure(error.message) from None
        except KeyboardInterrupt:
            raise SystemExit(_INTERRUPTED) from None


@click.group(cls=_Podlab, sections=_SECTIONS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="podlab")
@click.option("--name", default="podlab", show_default=True, help="The cluster to work with.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Colours: on a terminal unless NO_COLOR is set (auto), always, or never.",
)
@click.pass_context
def cli(context: click.Context, name: str, color: str) -> None:
    """Run real containers as Kubernetes pods on this machine's Docker Engine."""
    context.obj = default_home(name)
    if color != "auto" or os.environ.get("NO_COLOR"):
        context.color = color == "always"


def main() -> None:
    cli(prog_name="podlab")


if __name__ == "__main__":
    main()
