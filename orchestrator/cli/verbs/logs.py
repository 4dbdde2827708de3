"""`podlab logs`: what containers of pods have written."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from orchestrator.api import meta
from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.meta import Object
from orchestrator.api.request import Request, path
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import choice, flags
from orchestrator.cli.verbs.session import Session, connect
from orchestrator.cli.verbs.targets import DEFAULT_NAMESPACE
from orchestrator.util import threads

#: Lines of each log when a selector finds them, and how many logs are followed at once (kubectl's defaults).
_TAIL_OF_MANY = 10
_MOST_FOLLOWED = 5


@dataclass(frozen=True, slots=True)
class Log:
    pod: Object
    container: str

    @property
    def prefix(self) -> str:
        return f"[pod/{meta.name(self.pod)}/{self.container}] "


@click.command()
@click.argument("what", required=False, metavar="POD|TYPE/NAME")
@flags.namespace
@flags.container
@flags.selector
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written.")
@click.option("-p", "--previous", is_flag=True, help="Of the container before its last restart.")
@click.option("--tail", type=int, default=-1, help="Only so many of the last lines.")
@click.option("--since", default="", metavar="DURATION", help="Only what is not older (5s, 2m, 3h).")
@click.option("--since-time", default="", metavar="TIME", help="Only what was written after this (RFC 3339).")
@click.option("--timestamps", is_flag=True, help="Put the time before each line.")
@click.option("--all-containers", is_flag=True, help="Of all containers of the pod.")
@click.option("--prefix", is_flag=True, help="Put pod and container before each line.")
@click.pass_obj
def logs(
    home: Path,
    /,
    what: str | None,
    namespace: str,
    container: str,
    selector: str,
    all_containers: bool,
    prefix: bool,
    **asked: Any,
) -> None:
    """Print what a pod's container has written (of the cluster's own parts: `podlab cluster-logs`).

    \b
    podlab logs web-0 -f                podlab logs deploy/web --tail 20
    podlab logs -l app=web --prefix     podlab logs web-0 -c init -p
    """
    if bool(what) == bool(selector):
        raise Failure("say whose log: a pod, TYPE/NAME, or -l SELECTOR")
    session = connect(home)
    options = query(**asked)
    if selector:
        options.setdefault("tailLines", str(_TAIL_OF_MANY))
        pods = session.list_of("pods", namespace or DEFAULT_NAMESPACE, labelSelector=selector)
        if not pods:
            click.echo(f"No resources found in {namespace or DEFAULT_NAMESPACE} namespace.", err=True)
    else:
        pods = [_pod(session, str(what), namespace)]
    found = [log for pod in pods for log in _of(pod, container, everything=all_containers, choosing=not selector)]
    sys.exit(_print(session, found, options, prefix=prefix))


def query(
    *,
    follow: bool = False,
    previous: bool = False,
    timestamps: bool = False,
    tail: int = -1,
    since: str = "",
    since_time: str = "",
) -> dict[str, str]:
    """PodLogOptions. Raises Failure."""
    if since and since_time:
        raise Failure("at most one of --since and --since-time can be given")
    flagged = {"follow": follow, "previous": previous, "timestamps": timestamps}
    options = {option: "true" for option, wanted in flagged.items() if wanted}
    if tail >= 0:
        options["tailLines"] = str(tail)
    if since:
        options["sinceSeconds"] = str(max(1, int(flags.seconds(since))))
    return options | ({"sinceTime": since_time} if since_time else {})


def _pod(session: Session, what: str, namespace: str) -> Object:
    """The pod, or the first of those that are meant. Raises Failure."""
    target = choice.target(session, what, namespace)
    try:
        obj = session.objects(target)[0]
    except NotFound as error:
        part = what in ("master", "registry") or what.startswith(("agent-", "proxy-"))
        hint = f": of the cluster's own part, `podlab cluster-logs {what}`" if part else ""
        raise Failure(error.message + hint) from None
    pods = choice.pods(session, target, obj)
    if len(pods) > 1:
        click.echo(f"Found {len(pods)} pods, using pod/{meta.name(pods[0])}", err=True)
    return pods[0]


def _of(pod: Object, container: str, *, everything: bool, choosing: bool) -> Iterator[Log]:
    if everything:
        for part in ("initContainers", "containers", "ephemeralContainers"):
            yield from (Log(pod, each["name"]) for each in meta.spec(pod).get(part) or [])
        return
    name = choice.container(pod, container)
    if choosing and not container and len(meta.spec(pod)["containers"]) > 1:
        click.echo(f'Defaulted container "{name}" of pod {meta.name(pod)}: -c chooses another', err=True)
    yield Log(pod, name)


def _print(session: Session, found: list[Log], options: dict[str, str], *, prefix: bool) -> int:
    """Print them one after the other, or as they are written; the exit code."""
    writing = threading.Lock()

    def show(log: Log) -> bool:
        try:
            _copy(session, log, options, _writer(writing, log.prefix if prefix else ""))
        except ApiError as error:
            Failure(error.message).show()
            return False
        return True

    if "follow" not in options or len(found) < 2:
        results = list(map(show, found))  # all of them, whatever one of them lacks
        return 0 if all(results) else 1
    if len(found) > _MOST_FOLLOWED:
        raise Failure(f"{len(found)} logs are too many to follow at once: choose at most {_MOST_FOLLOWED}")
    results = []
    # Daemons: ^C ends the command, whatever they wait for.
    followers = [threads.start("follow", lambda log=log: results.append(show(log))) for log in found]  # type: ignore[misc]
    for follower in followers:
        follower.join()
    return 0 if all(results) else 1


def _copy(session: Session, log: Log, options: dict[str, str], write: Callable[[bytes], None]) -> None:
    kind, pod = session.kind("pods"), log.pod
    url = path(Request("get", kind, meta.namespace(pod), meta.name(pod), "log"))
    for line in whole_lines(session.transport.open(url, {**options, "container": log.container})):
        write(line)


def _writer(lock: threading.Lock, prefix: str) -> Callable[[bytes], None]:
    def write(line: bytes) -> None:
        with lock:
            sys.stdout.buffer.write(prefix.encode() + line)
            sys.stdout.buffer.flush()

    return write


def whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines with their ends; the last may have none."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        yield rest
