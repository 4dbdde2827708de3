"""`podlab get`: objects as tables, as YAML or JSON, or by their fields; once, or as they change."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import flags, manifests, output, targets
from orchestrator.cli.verbs.fieldpath import FieldPath
from orchestrator.cli.verbs.question import Question, table_of
from orchestrator.cli.verbs.session import Session, connect
from orchestrator.cli.verbs.tables import Look, Printer
from orchestrator.cli.verbs.targets import DEFAULT_NAMESPACE, Target
from orchestrator.cli.verbs.watching import watch


@click.command()
@click.argument("what", nargs=-1, metavar="TYPE[,TYPE...] [NAME...] | TYPE/NAME...")
@flags.filenames
@flags.namespace
@flags.all_namespaces
@flags.selector
@flags.field_selector
@click.option("-o", "--output", "form", default="", help="wide, yaml, json, name, jsonpath=..., custom-columns=...")
@click.option("-w", "--watch", "watching", is_flag=True, help="Then go on with what changes.")
@click.option("--sort-by", default="", metavar="PATH", help="The field to sort by (.metadata.creationTimestamp).")
@click.option("-L", "--label-columns", multiple=True, help="Labels to show as columns.")
@click.option("--show-labels", is_flag=True, help="Show all labels in a last column.")
@click.option("--show-managed-fields", is_flag=True, help="Keep managedFields in YAML and JSON.")
@click.option("--no-headers", is_flag=True, help="Rows only.")
@click.option("--ignore-not-found", is_flag=True, help="What is not there is no error.")
@click.pass_obj
def get(
    home: Path,
    /,
    what: tuple[str, ...],
    files: tuple[str, ...],
    namespace: str,
    all_namespaces: bool,
    selector: str,
    field_selector: str,
    watching: bool,
    **shown: Any,
) -> None:
    """Show objects, as a table or otherwise.

    \b
    podlab get pods -o wide          podlab get deploy/web -o yaml
    podlab get deploy,svc -l app=web podlab get all -A
    """
    if (selector or field_selector) and len(what) > 1:
        raise Failure("names and a selector do not go together: ask for either")
    session = connect(home)
    if files:
        wanted = manifests.targets(session, files, namespace)
    else:
        wanted = targets.parse(session.catalog, what, "" if all_namespaces else namespace or DEFAULT_NAMESPACE)
    question = _question(wanted, flags.selectors(selector, field_selector), all_namespaces, **shown)
    if watching:
        watch(session, question)
    else:
        sys.exit(_show(session, question))


def _question(
    wanted: list[Target],
    options: dict[str, str],
    namespaces: bool,
    *,
    form: str,
    sort_by: str,
    label_columns: tuple[str, ...],
    show_labels: bool,
    show_managed_fields: bool,
    no_headers: bool,
    ignore_not_found: bool,
) -> Question:
    asked = output.parse(form)
    columns = tuple(column for given in label_columns for column in given.split(","))
    look = Look(asked.form == "wide", namespaces, show_labels, columns, not no_headers)
    order = FieldPath(sort_by.strip("{}")) if sort_by else None
    return Question(wanted, options, asked, look, order, show_managed_fields, ignore_not_found)


def _show(session: Session, question: Question) -> int:
    """Print what is there; the exit code. What cannot be had is said on stderr, after the rest."""
    found = _Found(session, question)
    text = "".join(f"{line}\n" for line in _tables(found, question)) if question.output.table else ""
    if not question.output.table:
        objects = _sorted(found.objects(), question.sort_by)
        if objects or not question.single:
            text = output.render(question.output, objects, single=question.single, headers=question.look.headers)
    if question.output.table and not text and not found.errors and not question.ignore_missing:
        click.echo(_nothing(question.targets), err=True)
    click.echo(text, nl=False)
    for error in found.errors:
        Failure(error.message).show()
    return 1 if found.errors else 0


class _Found:
    """What the server has of a question's targets; what it has not is kept in `errors`."""

    def __init__(self, session: Session, question: Question) -> None:
        self._session, self._question = session, question
        self.errors: list[ApiError] = []

    def objects(self) -> list[Object]:
        found = [obj for target in self._question.targets for obj in self._objects(target)]
        return found if self._question.managed_fields else [output.without_managed_fields(obj) for obj in found]

    def _objects(self, target: Target) -> list[Object]:
        try:
            return self._session.objects(target, **self._question.options)
        except ApiError as error:
            self._failed(error)
            return []

    def tables(self) -> Iterator[tuple[Kind, Object]]:
        """One Table a kind, if it has rows."""
        by_kind: dict[Kind, Object] = {}
        for target in self._question.targets:
            try:
                table = table_of(self._session, target, self._options())
            except ApiError as error:
                self._failed(error)
                continue
            by_kind.setdefault(target.kind, {**table, "rows": []})["rows"] += table.get("rows") or []
        return ((kind, table) for kind, table in by_kind.items() if table["rows"])

    def _options(self) -> dict[str, str]:
        return self._question.options | ({"includeObject": "Object"} if self._question.sort_by else {})

    def _failed(self, error: ApiError) -> None:
        if not (self._question.ignore_missing and isinstance(error, NotFound)):
            self.errors.append(error)


def _tables(found: _Found, question: Question) -> Iterator[str]:
    several = len({target.kind for target in question.targets}) > 1
    for number, (kind, table) in enumerate(found.tables()):
        if number:
            yield ""
        rows = _sorted(table["rows"], question.sort_by, lambda row: row["object"])
        look = question.look if kind.namespaced else replace(question.look, namespaces=False)
        look = replace(look, prefix=f"{targets.qualified(kind)}/" if several else "")
        yield from Printer(look).lines({**table, "rows": rows})


def _sorted(
    items: list[Object], order: FieldPath | None, object_of: Callable[[Object], Object] = lambda item: item
) -> list[Object]:
    """By the field's value; those without it first. Numbers go before text."""
    if order is None:
        return items

    def rank(item: Object) -> tuple[int, float, str]:
        value = next(iter(order.find(object_of(item))), None)
        if value is None:
            return (0, 0.0, "")
        return (1, float(value), "") if isinstance(value, int | float) else (2, 0.0, str(value))

    return sorted(items, key=rank)


def _nothing(wanted: list[Target]) -> str:
    places = {target.namespace for target in wanted if target.kind.namespaced} - {""}
    return f"No resources found in {' '.join(sorted(places))} namespace." if places else "No resources found"
