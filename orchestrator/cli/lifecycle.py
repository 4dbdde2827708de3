"""`podlab up`, `down`, `run`, `status`, `cluster-logs`, `kubeconfig`: the cluster's life on this machine."""

from __future__ import annotations

import dataclasses
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml

from orchestrator.api import meta
from orchestrator.api.errors import ApiError
from orchestrator.api.groups import core
from orchestrator.cli import engine, kubeconfig
from orchestrator.cli.cluster import Cluster, check_port, check_ranges, node_ready, open_cluster, wait_ready
from orchestrator.cli.failure import Failure
from orchestrator.cli.processes import stop
from orchestrator.cli.progress import step
from orchestrator.util.settings import Settings, SettingsError, check, load

READY_TIMEOUT = 60.0


_PORT = click.IntRange(1, 65535)
#: What `up` and `run` take. Each option but --nodes is a setting; all arrive as keyword arguments.
_OPTIONS = (
    click.option("--nodes", type=click.IntRange(1, 100), help="How many nodes at least (default: 1)."),
    click.option("--api-port", type=_PORT, help="Where the API server listens (default: 6443)."),
    click.option("--registry-port", type=_PORT, help="Where the registry listens (default: 5001)."),
    click.option("--split/--no-split", default=None, help="API server, scheduler, controllers in own processes."),
    click.option("--set", "changes", multiple=True, metavar="SETTING=VALUE", help="Any setting of settings.json."),
)

Command = Callable[..., None]


def _settable(command: Command) -> Command:
    """Give a command the options in _OPTIONS."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _asked(changes: tuple[str, ...], **given: int | None) -> dict[str, str]:
    """The settings asked for, by name."""
    asked = dict(change.partition("=")[::2] for change in changes)
    return asked | {name: str(value) for name, value in given.items() if value is not None}


@click.command()
@_settable
@click.option("--no-kubeconfig", is_flag=True, help="Leave the user's kubeconfig as it is.")
@click.pass_obj
def up(home: Path, /, nodes: int | None, changes: tuple[str, ...], no_kubeconfig: bool, **given: int | None) -> None:
    """Bring the cluster up, or whatever of it is down. Running parts are left alone."""
    bring_up(home, nodes, _asked(changes, **given), use_kubeconfig=not no_kubeconfig)


def bring_up(home: Path, nodes: int | None, asked: dict[str, str], *, use_kubeconfig: bool) -> Cluster:
    """All of `up`; returns the running cluster. Raises Failure."""
    cluster = Cluster(_settings(home, asked))
    with step("Docker Engine answers") as progress:
        engine.ensure(cluster.settings.engine, progress.say)
    with step("Cluster prepared"):
        _prepare(cluster, nodes)
    with step(f"Control plane and {len(cluster.nodes)} node(s) ready") as progress:
        for component in cluster.components():
            component.start()
        wait_ready(cluster, cluster.nodes, READY_TIMEOUT, progress.tick)
    if use_kubeconfig:
        path = kubeconfig.default_path()
        kubeconfig.add(cluster.settings, path)
        click.echo(f"  kubectl uses context {cluster.settings.cluster!r} now ({path})", err=True)
    return cluster


def _settings(home: Path, asked: dict[str, str]) -> Settings:
    """The saved settings, or new ones, with what was asked for; saved when that changed something."""
    try:
        saved = load(home) if (home / "settings.json").exists() else None
        base = saved or Settings(home=home, cluster=home.name, id=secrets.token_hex(4))
        settings = dataclasses.replace(base, **{name: _value(base, name, text) for name, text in asked.items()})
        check(settings)
    except SettingsError as error:
        raise Failure(str(error)) from None
    if settings != saved:
        running = [c.name for c in Cluster(base).components() if c.pid() is not None]
        if running and saved is not None:
            raise Failure("settings can change only while the cluster is down: run `podlab down` first")
        try:
            settings.save()
        except OSError as error:
            raise Failure(f"{home} cannot be written ({error.strerror}): free space, or set PODLAB_HOME") from None
    return settings


def _value(base: Settings, name: str, text: str) -> Any:
    """`text` as the type that setting `name` has."""
    fields = {field.name for field in dataclasses.fields(Settings)} - {"home", "cluster", "id", "node_ports"}
    if name not in fields:
        raise SettingsError(f"there is no setting {name!r}: choose one of {', '.join(sorted(fields))}")
    kind = type(getattr(base, name))
    try:
        return {"true": True, "false": False}[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        raise SettingsError(f"setting {name} cannot be {text!r}: its type is {kind.__name__}") from None


def _prepare(cluster: Cluster, nodes: int | None) -> None:
    """Folders of the nodes, certificates, a free port."""
    try:
        for number in range(1, (nodes or (0 if cluster.nodes else 1)) + 1):
            cluster.add_node(f"node-{number}")
        cluster.ensure_identities()
    except OSError as error:
        raise Failure(f"{cluster.home} cannot be written ({error.strerror}): free space, or set PODLAB_HOME") from None
    if not cluster.serves:
        check_port(cluster.settings.api_host, cluster.settings.api_port)
        check_ranges(cluster)


@click.command()
@click.option("--purge", is_flag=True, help="Also remove the pods, the data, the registry's images and the context.")
@click.pass_obj
def down(home: Path, purge: bool) -> None:
    """Stop the cluster's processes and containers. `podlab up` brings everything back."""
    if purge and not (home / "settings.json").exists():
        shutil.rmtree(home, ignore_errors=True)
        click.echo("There is no cluster; nothing to remove.")
        return
    cluster = open_cluster(home)
    with step("Processes stopped"):
        stop(cluster.components())
    with step("Containers removed" if purge else "Containers stopped"):
        halt(cluster, "--remove" if purge else "")
        run_module(cluster, "registry", "stop", *(["--remove"] if purge else []))
    if purge:
        run_module(cluster, "agent.proxy", "--remove-routes")
        kubeconfig.remove(cluster.settings.cluster, kubeconfig.default_path())
        shutil.rmtree(home, ignore_errors=True)


def halt(cluster: Cluster, *options: str) -> None:
    """Stop the pods' containers as a machine's power switch would (all nodes, or `--node NAME`)."""
    run_module(cluster, "agent.halt", *(option for option in options if option))


def run_module(cluster: Cluster, module: str, *arguments: str) -> None:
    """Run `python -m MODULE --home HOME ...` to its end; when it fails it has said why, and we exit as it did."""
    command = [sys.executable, "-m", module, "--home", str(cluster.home), *arguments]
    if code := subprocess.run(command).returncode:
        raise SystemExit(code)


@click.command()
@_settable
@click.pass_context
def run(context: click.Context, /, nodes: int | None, changes: tuple[str, ...], **given: int | None) -> None:
    """Bring the cluster up and stay in the foreground; SIGTERM or ^C takes it down. For containers and systemd."""
    home: Path = context.obj
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    bring_up(home, nodes, _asked(changes, **given), use_kubeconfig=False)
    click.echo("podlab is up", err=True)
    ended.wait()
    context.invoke(down, purge=False)


@click.command()
@click.pass_obj
def status(home: Path) -> None:
    """Say what runs, what does not, and how the nodes are. Exits 1 when something is down."""
    cluster = open_cluster(home)
    rows = [(c.name, c.pid(), c.last_words()) for c in cluster.components()]
    width = max(len(name) for name, _, _ in rows)
    for name, pid, words in rows:
        state = click.style(f"running (pid {pid})", fg="green") if pid else click.style("down", fg="red")
        click.echo(f"{name:<{width}}  {state}" + ("" if pid or not words else f"  last log line: {words}"))
    click.echo(f"{'engine':<{width}}  {engine.problem(engine.address(cluster.settings.engine)) or 'answers'}")
    healthy = all(pid for _, pid, _ in rows) and _print_nodes(cluster)
    if not healthy:
        click.echo("`podlab up` starts what is down.")
        sys.exit(1)


def _print_nodes(cluster: Cluster) -> bool:
    """Print each node's Ready condition; True when all are Ready."""
    try:
        nodes = cluster.client().list(core.NODE).items
    except ApiError as error:
        click.echo(f"API server: {error.message}")
        return False
    for node in nodes:
        ready = meta.condition(node, "Ready") or {}
        text = "Ready" if node_ready(node) else f"NotReady: {ready.get('message', 'it has not reported yet')}"
        click.echo(f"node {meta.name(node)}: {text}")
    return all(node_ready(node) for node in nodes)


@click.command("cluster-logs")
@click.argument("component")
@click.option("-f", "--follow", is_flag=True, help="Keep printing what is added.")
@click.option("--tail", default=200, show_default=True, help="How many lines.")
@click.pass_obj
def cluster_logs(home: Path, component: str, follow: bool, tail: int) -> None:
    """Print the log of a part of the cluster itself.

    COMPONENT is as `podlab status` names them (master, agent-NODE, proxy-NODE, registry).
    """
    components = {c.name: c for c in open_cluster(home).components()}
    if component not in components:
        raise Failure(f"there is no component {component!r}: choose one of {', '.join(components)}")
    file = components[component].log
    if not file.exists():
        raise Failure(f"{component} has not been started yet: run `podlab up`")
    command = ["tail", "-n", str(tail), *(["-F"] if follow else []), str(file)]
    try:
        sys.exit(subprocess.run(command).returncode)
    except KeyboardInterrupt:
        sys.exit(0)


@click.command("kubeconfig")
@click.option("--path", is_flag=True, help="Only print where the file is.")
@click.pass_obj
def print_kubeconfig(home: Path, path: bool) -> None:
    """Print a kubeconfig for the cluster (or where the user's own is)."""
    cluster = open_cluster(home)
    if path:
        click.echo(str(kubeconfig.default_path()))
        return
    click.echo(yaml.safe_dump(kubeconfig.build(cluster.settings), sort_keys=False), nl=False)
