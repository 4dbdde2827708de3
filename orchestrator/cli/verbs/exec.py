"""`podlab exec`: run a command in a container of a pod."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.api import meta
from orchestrator.api.request import Request, path
from orchestrator.cli.verbs import choice, flags
from orchestrator.cli.verbs.session import connect
from orchestrator.client.websocket import open_websocket

_PROTOCOL = "v5.channel.k8s.io"


@click.command("exec")
@click.argument("pod", metavar="POD|TYPE/NAME")
@click.argument("command", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENT...]")
@flags.namespace
@flags.container
@click.option("-i", "--stdin", is_flag=True, help="Pass on what is typed.")
@click.option("-t", "--tty", is_flag=True, help="The command gets a terminal.")
@click.pass_obj
def exec_(
    home: Path, pod: str, command: tuple[str, ...], namespace: str, container: str, stdin: bool, tty: bool
) -> None:
    """Run a command in a pod's container, and exit as it does.

    \b
    podlab exec web-0 -- ls /            podlab exec -it deploy/web -- sh
    """
    from orchestrator.cli.verbs.remote_command import run

    session = connect(home)
    target = choice.target(session, pod, namespace)
    chosen = choice.pods(session, target, session.objects(target)[0])[0]
    name = choice.container(chosen, container)
    if not container and len(meta.spec(chosen)["containers"]) > 1:
        click.echo(f'Defaulted container "{name}" of pod {meta.name(chosen)}: -c chooses another', err=True)
    if tty and not sys.stdin.isatty():
        click.echo("Unable to use a TTY - input is not a terminal or the right kind of file", err=True)
        tty = False
    query = [("command", word) for word in command]
    query += [("container", name), ("stdout", "true"), ("stderr", str(not tty).lower())]
    query += [("stdin", str(stdin).lower()), ("tty", str(tty).lower())]
    url = path(Request("get", session.kind("pods"), meta.namespace(chosen), meta.name(chosen), "exec"))
    code = run(open_websocket(session.settings.server, session.identity, url, query, _PROTOCOL), stdin=stdin, tty=tty)
    if code:
        click.echo(f"command terminated with exit code {code}", err=True)
    sys.exit(code)
