"""`podlab scale`: how many pods a workload has."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.api.errors import ApiError
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import flags, manifests, targets
from orchestrator.cli.verbs.session import Session, connect
from orchestrator.cli.verbs.targets import DEFAULT_NAMESPACE, Target


@click.command()
@click.argument("what", nargs=-1, metavar="TYPE NAME... | TYPE/NAME...")
@click.option("--replicas", type=click.IntRange(min=0), required=True, help="How many pods there are to be.")
@click.option("--current-replicas", type=int, default=-1, help="Only if there are so many now.")
@flags.filenames
@flags.namespace
@flags.selector
@click.pass_obj
def scale(
    home: Path,
    what: tuple[str, ...],
    replicas: int,
    current_replicas: int,
    files: tuple[str, ...],
    namespace: str,
    selector: str,
) -> None:
    """Set how many pods a workload has: `podlab scale deploy/web --replicas 5`."""
    session = connect(home)
    if files:
        wanted = manifests.targets(session, files, namespace)
    else:
        wanted = targets.parse(session.catalog, what, namespace or DEFAULT_NAMESPACE)
    failures = 0
    for target in [each for one in wanted for each in _named(session, one, selector)]:
        try:
            _scale(session, target, replicas, current_replicas)
            click.echo(f"{target} scaled")
        except (ApiError, Failure) as error:
            Failure(str(error)).show()
            failures += 1
    sys.exit(1 if failures else 0)


def _named(session: Session, target: Target, selector: str) -> list[Target]:
    if target.name:
        return [target]
    if not selector:
        raise Failure(f"say which {target.kind.plural}: by name, or -l SELECTOR")
    found = session.objects(target, labelSelector=selector)
    return [targets.of_object(target.kind, obj, target.namespace) for obj in found]


def _scale(session: Session, target: Target, replicas: int, current: int) -> None:
    """Raises ApiError, and Failure when there are not `current` replicas (unless that is -1)."""
    if "scale" not in target.kind.subresources:
        raise Failure(f"{target} cannot be scaled: {target.kind.plural} have no replicas to set")
    patch: Object = {"spec": {"replicas": replicas}}
    if current >= 0:
        now = session.client.get(target.kind, target.name, target.namespace, subresource="scale")
        have = now["spec"].get("replicas", 0)
        if have != current:
            raise Failure(f"{target}: Expected replicas to be {current}, was {have}")
        patch["metadata"] = {"resourceVersion": now["metadata"]["resourceVersion"]}
    session.client.patch(target.kind, target.name, patch, target.namespace, subresource="scale")
