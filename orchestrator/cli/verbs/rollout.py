"""`podlab rollout`: follow, pause, restart and undo the rollouts of deployments, daemon sets and stateful sets."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click

from orchestrator.api import meta, times
from orchestrator.api.errors import NotFound
from orchestrator.api.meta import Object
from orchestrator.api.request import STRATEGIC_PATCH, Request
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import flags, rollout_history, tables, targets
from orchestrator.cli.verbs.description import pod_template, render
from orchestrator.cli.verbs.rollout_status import progress
from orchestrator.cli.verbs.session import Session, connect
from orchestrator.cli.verbs.targets import DEFAULT_NAMESPACE, Target

_KINDS = ("deployments.apps", "daemonsets.apps", "statefulsets.apps")
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
#: Seconds that one watch lasts at most.
_WATCH_SECONDS = 300

_what = click.argument("what", nargs=-1, required=True, metavar="TYPE NAME... | TYPE/NAME...")
_to_revision = click.option("--to-revision", type=click.IntRange(min=0), default=0, help="0 is the last one before.")


@click.group()
def rollout() -> None:
    """See, pause, restart or undo rollouts of deployments, daemon sets and stateful sets."""


@rollout.command()
@_what
@flags.namespace
@click.option("-w/ ", "--watch/--no-watch", "watching", default=True, help="Until it is over (default), or just say.")
@click.option("--timeout", default="0s", metavar="DURATION", help="How long to wait (0: as long as it takes).")
@click.pass_obj
def status(home: Path, what: tuple[str, ...], namespace: str, watching: bool, timeout: str) -> None:
    """Say how far the rollout is, until it is over."""
    limit, session = flags.seconds(timeout), connect(home)
    deadline = time.monotonic() + limit if limit else float("inf")
    for target in _targets(session, what, namespace):
        said = ""
        for obj in _states(session, target, deadline):
            now = progress(obj)
            if now.sentence != said:
                said = now.sentence
                click.echo(said)
            if now.done or not watching:
                break


def _states(session: Session, target: Target, deadline: float) -> Iterator[Object]:
    """The object now, and after each change. Raises NotFound, and Failure at the deadline (of `time.monotonic`)."""
    selection = {"fieldSelector": f"metadata.name={target.name}"}
    while True:
        found = session.client.list(target.kind, target.namespace, **selection)
        if not found.items:
            raise NotFound(f'{target.kind.resource} "{target.name}" not found')
        yield found.items[0]
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure("timed out waiting for the condition")
        seconds = str(max(1, int(min(left, _WATCH_SECONDS))))
        stream = session.client.watch(
            target.kind, target.namespace, **selection, resourceVersion=found.resource_version, timeoutSeconds=seconds
        )
        try:
            yield from (event.object for event in stream if event.type == "MODIFIED")
        finally:
            stream.close()


@rollout.command()
@_what
@flags.namespace
@click.option("--revision", type=int, default=0, help="Show this one in full.")
@click.pass_obj
def history(home: Path, what: tuple[str, ...], namespace: str, revision: int) -> None:
    """Show the revisions that there are to go back to."""
    session = connect(home)
    for target in _targets(session, what, namespace):
        found = _revisions(session, target, session.objects(target)[0])
        if revision:
            wanted = rollout_history.find(found, revision)
            click.echo(f"{target} with revision #{revision}")
            click.echo("\n".join(render({"Pod Template": pod_template(wanted.template)})))
            continue
        click.echo(str(target))
        rows = [(each.number, each.cause or None) for each in found]
        click.echo("\n".join(tables.simple(["REVISION", "CHANGE-CAUSE"], rows)) + "\n")


@rollout.command()
@_what
@flags.namespace
@_to_revision
@click.pass_obj
def undo(home: Path, what: tuple[str, ...], namespace: str, to_revision: int) -> None:
    """Go back to the revision before, or to another."""
    session = connect(home)
    for target in _targets(session, what, namespace):
        obj = session.objects(target)[0]
        if meta.spec(obj).get("paused"):
            raise Failure(
                f"you cannot rollback a paused deployment; resume it first with `podlab rollout resume {target}`"
            )
        wanted = rollout_history.find(_revisions(session, target, obj), to_revision)
        if wanted.template == meta.spec(obj)["template"]:
            click.echo(f"{target} skipped rollback (current template already matches revision {wanted.number})")
            continue
        _patch(session, target, wanted.patch, wanted.content_type)
        click.echo(f"{target} rolled back")


@rollout.command()
@_what
@flags.namespace
@click.pass_obj
def restart(home: Path, what: tuple[str, ...], namespace: str) -> None:
    """Replace all pods, a few at a time, by new ones that are the same."""
    session = connect(home)
    annotations = {_RESTARTED: times.rfc3339(time.time())}
    patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    for target in _targets(session, what, namespace):
        if meta.spec(session.objects(target)[0]).get("paused"):
            raise Failure(f"can't restart paused deployment (run rollout resume first): {target}")
        _patch(session, target, patch, STRATEGIC_PATCH)
        click.echo(f"{target} restarted")


@rollout.command()
@_what
@flags.namespace
@click.pass_obj
def pause(home: Path, what: tuple[str, ...], namespace: str) -> None:
    """Have changes of a deployment's template wait."""
    _set_paused(connect(home), what, namespace, paused=True)


@rollout.command()
@_what
@flags.namespace
@click.pass_obj
def resume(home: Path, what: tuple[str, ...], namespace: str) -> None:
    """Roll out what a paused deployment's changes are."""
    _set_paused(connect(home), what, namespace, paused=False)


def _set_paused(session: Session, what: tuple[str, ...], namespace: str, *, paused: bool) -> None:
    word, failed = "paused" if paused else "resumed", False
    for target in _targets(session, what, namespace):
        if target.kind.kind != "Deployment":
            raise Failure(f"{target} cannot be {word}: only deployments can")
        if bool(meta.spec(session.objects(target)[0]).get("paused")) == paused:
            Failure(f"{target} is {'already paused' if paused else 'not paused'}").show()
            failed = True
            continue
        _patch(session, target, {"spec": {"paused": paused or None}}, STRATEGIC_PATCH)
        click.echo(f"{target} {word}")
    sys.exit(1 if failed else 0)


def _targets(session: Session, what: tuple[str, ...], namespace: str) -> list[Target]:
    """By name, or all of a type in the namespace. Raises Failure for kinds that have no rollouts."""
    found = targets.parse(session.catalog, what, namespace or DEFAULT_NAMESPACE)
    for target in found:
        if target.kind.resource not in _KINDS:
            raise Failure(f"{target.kind.plural} have no rollouts: deployments, daemonsets and statefulsets have")
    named = [[t] if t.name else [targets.of_object(t.kind, o, t.namespace) for o in session.objects(t)] for t in found]
    return [target for group in named for target in group]


def _revisions(session: Session, target: Target, obj: Object) -> list[rollout_history.Revision]:
    kept_in = "replicasets.apps" if target.kind.kind == "Deployment" else "controllerrevisions.apps"
    return rollout_history.revisions(obj, session.list_of(kept_in, target.namespace))


def _patch(session: Session, target: Target, patch: object, content_type: str) -> None:
    options = {"fieldManager": "podlab-rollout"}
    request = Request(
        "patch", target.kind, target.namespace, target.name, "", options, patch, content_type=content_type
    )
    session.transport.call(request)
