"""`podlab describe`: objects in full, for a reader, with what happened to them."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from orchestrator.api import meta, times
from orchestrator.api.errors import ApiError
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import described_kinds, flags, manifests, targets
from orchestrator.cli.verbs.description import event_table, render
from orchestrator.cli.verbs.session import Session, connect
from orchestrator.cli.verbs.targets import DEFAULT_NAMESPACE, Target


@click.command()
@click.argument("what", nargs=-1, metavar="TYPE [NAME...] | TYPE/NAME...")
@flags.filenames
@flags.namespace
@flags.all_namespaces
@flags.selector
@click.pass_obj
def describe(
    home: Path, what: tuple[str, ...], files: tuple[str, ...], namespace: str, all_namespaces: bool, selector: str
) -> None:
    """Show objects in full, and the events about them: `podlab describe pod web-0`."""
    session = connect(home)
    if files:
        wanted = manifests.targets(session, files, namespace)
    else:
        wanted = targets.parse(session.catalog, what, "" if all_namespaces else namespace or DEFAULT_NAMESPACE)
    failures, shown = 0, 0
    for target in wanted:
        try:
            for obj in session.objects(target, **flags.selectors(selector)):
                click.echo("\n\n" * bool(shown) + _text(session, target, obj))
                shown += 1
        except ApiError as error:
            Failure(error.message).show()
            failures += 1
    if not shown and not failures:
        click.echo("No resources found", err=True)
    sys.exit(1 if failures else 0)


def _text(session: Session, target: Target, obj: Object) -> str:
    tree = described_kinds.describe(target.kind.resource, obj, session.list_of)
    if target.kind.resource not in ("events", "events.events.k8s.io"):
        tree["Events"] = _events(session, obj)
    return "\n".join(render(tree))


def _events(session: Session, obj: Object) -> list[str] | None:
    about = {"name": meta.name(obj), "namespace": meta.namespace(obj), "kind": obj["kind"]}
    if obj["kind"] != "Node":
        about["uid"] = meta.uid(obj)  # a node's events name it by its name, also for what was before it registered
    options = ",".join(f"involvedObject.{field}={value}" for field, value in about.items() if value)
    found = sorted(session.list_of("events", meta.namespace(obj), fieldSelector=options), key=_last_seen)
    return event_table(found, [times.age(time.time() - _last_seen(event)) for event in found])


def _last_seen(event: Object) -> float:
    """Seconds since the epoch."""
    series = event.get("series") or {}
    moments = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return times.parse(next((m for m in moments if m), meta.metadata(event)["creationTimestamp"]))
