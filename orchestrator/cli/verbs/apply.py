"""`podlab apply`: server-side apply of files, as field manager `podlab`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.api import meta
from orchestrator.api.errors import ApiError, Conflict, NotFound
from orchestrator.api.meta import Object
from orchestrator.api.request import APPLY_PATCH, Request
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import flags, manifests, targets
from orchestrator.cli.verbs.manifests import Document
from orchestrator.cli.verbs.session import Session, connect

_MANAGER = "podlab"
#: Fields of metadata that tell nothing of what a user wants.
_BOOKKEEPING = ("managedFields", "resourceVersion", "generation")


@click.command()
@click.option(
    "-f", "--filename", "files", multiple=True, required=True, help="A file, a folder, a URL, or - for stdin."
)
@flags.namespace
@click.option("--force-conflicts", is_flag=True, help="Take over fields that others manage.")
@click.option("--dry-run", type=click.Choice(["none", "server"]), default="none", help="server: change nothing.")
@click.pass_obj
def apply(home: Path, files: tuple[str, ...], namespace: str, force_conflicts: bool, dry_run: str) -> None:
    """Make the objects in the files be as they say there; what is left out there stays as it is."""
    documents = manifests.read(files)
    session = connect(home)
    options = {"fieldManager": _MANAGER, "fieldValidation": "Strict"}
    options |= {"force": "true"} if force_conflicts else {}
    options |= {"dryRun": "All"} if dry_run == "server" else {}
    failures = 0
    for document in documents:
        # One object that is refused does not keep the others from being applied.
        try:
            said = _apply(session, document, namespace, options)
            click.echo(said + (" (server dry run)" if dry_run == "server" else ""))
        except Failure as failure:
            failure.show()
            failures += 1
    sys.exit(1 if failures else 0)


def _apply(session: Session, document: Document, namespace: str, options: dict[str, str]) -> str:
    """Apply one object; the sentence about it. Raises Failure."""
    target = manifests.target(session, document, namespace)
    if not target.name:
        raise Failure(f"{document.place}: metadata.name is missing: apply needs a name")
    obj = document.obj
    if target.namespace:
        obj = {**obj, "metadata": {**meta.metadata(obj), "namespace": target.namespace}}
    try:
        before = _current(session, target)
        request = Request(
            "patch", target.kind, target.namespace, target.name, "", options, obj, content_type=APPLY_PATCH
        )
        return f"{target} {outcome(before, session.transport.call(request))}"
    except Conflict as error:
        raise Failure(
            f"{document.place}: {error.message}: leave those fields out, or take them over with --force-conflicts"
        ) from None
    except ApiError as error:
        raise Failure(f"{document.place}: {error.message}") from None


def _current(session: Session, target: targets.Target) -> Object | None:
    try:
        return session.client.get(target.kind, target.name, target.namespace)
    except NotFound:
        return None


def outcome(before: Object | None, after: Object) -> str:
    """What the apply did to the object."""
    if before is None:
        return "created"
    return "unchanged" if _content(before) == _content(after) else "configured"


def _content(obj: Object) -> Object:
    """Without the status, which others write meanwhile, and what only counts the writes."""
    metadata = {key: value for key, value in meta.metadata(obj).items() if key not in _BOOKKEEPING}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": metadata}
