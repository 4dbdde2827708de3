"""`podlab delete`: by name, by selector, all of a kind, or what is in files; then wait until it is gone."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from orchestrator.api import meta
from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import flags, manifests, targets
from orchestrator.cli.verbs.session import Session, connect
from orchestrator.cli.verbs.targets import DEFAULT_NAMESPACE, Target

_CASCADES = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}
#: Seconds that one watch lasts at most, when there is no nearer end.
_WATCH_SECONDS = 300


@click.command()
@click.argument("what", nargs=-1, metavar="TYPE NAME... | TYPE/NAME...")
@flags.filenames
@flags.namespace
@flags.all_namespaces
@flags.selector
@flags.field_selector
@click.option("--all", "everything", is_flag=True, help="All objects of the type in the namespace.")
@click.option("--grace-period", type=int, default=-1, help="Seconds the pods have to end (default: as they say).")
@click.option("--now", is_flag=True, help="The same as --grace-period=1.")
@click.option("--force", is_flag=True, help="Do not wait for the node (with --grace-period=0).")
@click.option("--wait/--no-wait", default=True, help="Return when the objects are gone (default), or at once.")
@click.option("--timeout", default="0s", metavar="DURATION", help="How long to wait (0: as long as it takes).")
@click.option("--ignore-not-found", is_flag=True, help="What is not there is no error.")
@click.option("--cascade", type=click.Choice(list(_CASCADES)), default="background", help="What goes with an owner.")
@click.pass_obj
def delete(
    home: Path,
    /,
    what: tuple[str, ...],
    files: tuple[str, ...],
    namespace: str,
    all_namespaces: bool,
    selector: str,
    field_selector: str,
    everything: bool,
    grace_period: int,
    now: bool,
    force: bool,
    wait: bool,
    timeout: str,
    ignore_not_found: bool,
    cascade: str,
) -> None:
    """Delete objects, and what they own."""
    limit = flags.seconds(timeout)
    grace = grace_seconds(grace_period, now=now, force=force)
    session = connect(home)
    if files:
        wanted = manifests.targets(session, files, namespace)
    else:
        wanted = targets.parse(session.catalog, what, "" if all_namespaces else namespace or DEFAULT_NAMESPACE)
    options = flags.selectors(selector, field_selector)
    _check(wanted, bool(options), everything)
    failures: list[ApiError] = []
    found = _found(session, wanted, options, failures)
    deleted = [(target, uid) for target, uid in found if _delete(session, target, grace, _CASCADES[cascade], failures)]
    if wait:
        deadline = time.monotonic() + limit if limit else float("inf")
        for target, uid in deleted:
            _wait_gone(session, target, uid, deadline)
    failures = [error for error in failures if not (ignore_not_found and isinstance(error, NotFound))]
    for error in failures:
        Failure(error.message).show()
    if not found and not failures:
        click.echo("No resources found", err=True)
    sys.exit(1 if failures else 0)


def grace_seconds(period: int, *, now: bool, force: bool) -> int | None:
    """What the server is told; None leaves it to the pods. Raises Failure."""
    if now:
        if period >= 0:
            raise Failure("--now and --grace-period do not go together")
        return 1
    if period == 0 and not force:
        # As kubectl does: 0 means "do not wait for the node", which wants to be said twice.
        return 1
    if force:
        if period > 0:
            raise Failure("--force and --grace-period greater than 0 do not go together")
        return 0
    return period if period >= 0 else None


def _check(wanted: list[Target], selected: bool, everything: bool) -> None:
    """Nothing is deleted by leaving something out. Raises Failure."""
    whole = [target for target in wanted if not target.name]
    if whole and not (selected or everything):
        raise Failure(f"say which {whole[0].kind.plural}: by name, -l SELECTOR, or --all")
    if (selected or everything) and len(whole) < len(wanted):
        raise Failure("names do not go together with a selector or --all")


def _found(
    session: Session, wanted: list[Target], options: dict[str, str], failures: list[ApiError]
) -> list[tuple[Target, str]]:
    """The objects themselves, each with its uid."""
    found = []
    for target in wanted:
        try:
            found += [(_of(target, obj), meta.uid(obj)) for obj in session.objects(target, **options)]
        except ApiError as error:
            failures.append(error)
    return found


def _of(target: Target, obj: Object) -> Target:
    return Target(target.kind, meta.name(obj), meta.namespace(obj))


def _delete(session: Session, target: Target, grace: int | None, propagation: str, failures: list[ApiError]) -> bool:
    if grace == 0:
        click.echo(f"Warning: {target} may keep running on its node: nobody waits for it to end", err=True)
    try:
        session.client.delete(target.kind, target.name, target.namespace, grace_seconds=grace, propagation=propagation)
    except ApiError as error:
        failures.append(error)
        return False
    forced = " force" if grace == 0 else ""
    click.echo(f'{targets.qualified(target.kind)} "{target.name}"{forced} deleted')
    return True


def _wait_gone(session: Session, target: Target, uid: str, deadline: float) -> None:
    """Return when there is no object of that uid. Raises Failure at the deadline (of `time.monotonic`)."""
    selection = {"fieldSelector": f"metadata.name={target.name}"}
    while True:
        found = session.client.list(target.kind, target.namespace, **selection)
        if uid not in map(meta.uid, found.items):
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure(f"timed out waiting until {target} is gone: its finalizers or its node keep it")
        seconds = str(max(1, int(min(left, _WATCH_SECONDS))))
        stream = session.client.watch(
            target.kind, target.namespace, **selection, resourceVersion=found.resource_version, timeoutSeconds=seconds
        )
        try:
            if any(event.type == "DELETED" for event in stream):
                return
        finally:
            stream.close()
