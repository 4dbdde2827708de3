"""`podlab get -w`: what is there, then every change, until the server or ^C ends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import click
import orjson

from orchestrator.api.errors import from_status
from orchestrator.api.meta import Object
from orchestrator.api.request import Request, path
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import output
from orchestrator.cli.verbs.question import TABLE, Question, table_of
from orchestrator.cli.verbs.session import Session
from orchestrator.cli.verbs.tables import Printer
from orchestrator.cli.verbs.targets import Target
from orchestrator.client.streams import lines


def watch(session: Session, question: Question) -> None:
    """Raises Failure, and ApiError as the watch ends badly."""
    if len(question.targets) != 1:
        raise Failure("only one resource type, or one name, can be watched")
    target, options = _as_list(question.targets[0], question.options)
    if question.output.table:
        _watch_table(session, target, options, Printer(question.look))
    else:
        _watch_objects(session, target, options, question)


def _as_list(target: Target, options: dict[str, str]) -> tuple[Target, dict[str, str]]:
    """An object by its name as a selection of one, which can be watched."""
    if not target.name:
        return target, options
    return replace(target, name=""), {"fieldSelector": f"metadata.name={target.name}"}


def _watch_table(session: Session, target: Target, options: dict[str, str], printer: Printer) -> None:
    table = table_of(session, target, options)
    if table["rows"]:
        _say(printer.lines(table))
    for changed in _events(session, target, options, table["metadata"]["resourceVersion"], TABLE):
        _say(printer.lines(changed))


def _watch_objects(session: Session, target: Target, options: dict[str, str], question: Question) -> None:
    found = session.client.list(target.kind, target.namespace, **options)
    for obj in found.items:
        _show(obj, question)
    for obj in _events(session, target, options, found.resource_version, "application/json"):
        _show(obj, question)


def _events(session: Session, target: Target, options: dict[str, str], version: str, accept: str) -> Iterator[Object]:
    """The objects of the events after the revision `version`: each is, with `accept` of a Table, a Table of one row."""
    asked = {**options, "watch": "true", "resourceVersion": version}
    url = path(Request("watch", target.kind, target.namespace))
    for line in lines(session.transport.open(url, asked, accept)):
        event = orjson.loads(line)
        if event["type"] == "ERROR":
            raise from_status(event["object"], int(event["object"].get("code") or 500))
        yield event["object"]


def _show(obj: Object, question: Question) -> None:
    shown = obj if question.managed_fields else output.without_managed_fields(obj)
    before = "---\n" if question.output.form == "yaml" else ""
    click.echo(before + output.render(question.output, [shown], single=True, headers=False), nl=False)


def _say(text: Iterator[str]) -> None:
    for line in text:
        click.echo(line)
