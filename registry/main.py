"""The registry's program: `python -m registry --home DIR run|stop|push|images|build`."""

from __future__ import annotations

import io
import logging
import signal
import sys
import tarfile
import threading
import time
from pathlib import Path

import click

from agent.runtime.base import EngineUnreachable, RuntimeFailure
from agent.runtime.docker import DockerRuntime
from orchestrator.api.errors import ApiError, Conflict, NotFound
from orchestrator.api.groups import core
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.util import logs, threads
from orchestrator.util.identity import identity
from orchestrator.util.settings import Settings, SettingsError, load
from registry.client import RegistryError
from registry.manager import RegistryManager, obtain
from registry.names import target
from registry.progress import LayerBar

log = logging.getLogger("registry")

_RETRY_SECONDS = 5.0


@click.group()
@click.option("--home", type=click.Path(path_type=Path), required=True, help="The cluster's home folder.")
@click.pass_context
def cli(context: click.Context, home: Path) -> None:
    context.obj = load(home)


@cli.command()
@click.pass_obj
def run(settings: Settings) -> None:
    """Keep the registry running, and tell the cluster where it is."""
    logs.setup()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    manager = RegistryManager(DockerRuntime(settings.engine), settings)
    threads.start("registry-container", lambda: _keep_running(manager, ended))
    threads.start("registry-hosting", lambda: _keep_published(settings, manager.address, ended))
    ended.wait()


def _keep_running(manager: RegistryManager, ended: threading.Event) -> None:
    """Start the container, wait until it ends, and again."""
    while not ended.is_set():
        since = time.time()
        try:
            manager.ensure(lambda text: log.info("%s", text))
            log.info("the registry answers at %s", manager.address)
            manager.wait_stopped(since)
            log.warning("the registry's container ended; starting it again")
        except (RuntimeFailure, RegistryError) as error:
            log.error("%s; trying again in %.0f s", error, _RETRY_SECONDS)
            ended.wait(_RETRY_SECONDS)


def _keep_published(settings: Settings, address: str, ended: threading.Event) -> None:
    """Publish where the registry is as KEP-1755 wants it, as soon as the API server is there."""
    transport = HttpTransport(settings.server, identity(settings.pki, "registry"))
    while not ended.is_set():
        try:
            publish(Client(transport), address)
            return
        except ApiError as error:
            log.info("kube-public/local-registry-hosting: %s; trying again", error.message)
            ended.wait(1.0)


def hosting(address: str) -> Object:
    """The ConfigMap of KEP-1755 for a registry at `address`."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "local-registry-hosting", "namespace": "kube-public"},
        "data": {"localRegistryHosting.v1": f'host: "{address}"\nhostFromContainerRuntime: "{address}"\n'},
    }


def publish(client: Client, address: str) -> None:
    """Create the ConfigMap, or bring it up to date. Raises ApiError."""
    wanted = hosting(address)
    try:
        current = client.get(core.CONFIG_MAP, "local-registry-hosting", "kube-public")
    except NotFound:
        client.create(core.CONFIG_MAP, wanted)
        return
    if current.get("data") != wanted["data"]:
        try:
            client.update(core.CONFIG_MAP, {**current, "data": wanted["data"]})
        except Conflict:
            publish(client, address)


@cli.command()
@click.option("--remove", is_flag=True, help="Also remove the container and every pushed image.")
@click.pass_obj
def stop(settings: Settings, remove: bool) -> None:
    """Stop the registry's container."""
    RegistryManager(DockerRuntime(settings.engine), settings).stop(remove=remove)


@cli.command()
@click.argument("image")
@click.argument("name", required=False)
@click.pass_obj
def push(settings: Settings, image: str, name: str | None) -> None:
    """Tag IMAGE for the registry and push it."""
    runtime = DockerRuntime(settings.engine)
    manager = RegistryManager(runtime, settings)
    manager.ensure(_say)
    reference = target(name or image, manager.address)
    runtime.tag(image, reference)
    with LayerBar(f"  pushing {reference}") as bar:
        digest = runtime.push(reference, progress=bar.update)
    click.echo(f"{reference} {digest}")


@cli.command()
@click.pass_obj
def images(settings: Settings) -> None:
    """List what the registry holds."""
    manager = RegistryManager(DockerRuntime(settings.engine), settings)
    rows = [
        (f"{manager.address}/{image.repository}", image.tag, image.digest[7:19], f"{image.size / 1e6:.1f}MB")
        for image in manager.client.images()
    ]
    header = ("REPOSITORY", "TAG", "DIGEST", "SIZE")
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(4)]
    for row in [header, *rows]:
        click.echo("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@cli.command()
@click.argument("context", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("reference")
@click.option("--upstream", default="nginx:alpine", show_default=True, help="The base image, from Docker Hub.")
@click.option("--package", default="nginx", show_default=True, help="The distribution's package where that fails.")
@click.pass_obj
def build(settings: Settings, context: Path, reference: str, upstream: str, package: str) -> None:
    """Build the Dockerfile in folder CONTEXT as REFERENCE, giving it the base image as build argument BASE."""
    runtime = DockerRuntime(settings.engine)
    base = obtain(runtime, upstream, package, _say)
    runtime.build(_tar(context), reference, {"BASE": base})


def _tar(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(folder, arcname=".")
    return buffer.getvalue()


def _say(text: str) -> None:
    click.echo(f"    {text}", err=True)


def main() -> None:
    """Failures that a user can do something about end with one sentence and exit code 1."""
    try:
        cli(prog_name="python -m registry")
    except EngineUnreachable as error:
        sys.exit(f"podlab: no Docker Engine answers ({error}): start it, or run `podlab up`")
    except (RuntimeFailure, RegistryError, SettingsError) as error:
        sys.exit(f"podlab: {error}")
