"""`podlab top`: what nodes and pods use, as metrics.k8s.io measures it."""

from __future__ import annotations

from pathlib import Path

import click

from orchestrator.api import meta
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.quantity import parse
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import flags, tables
from orchestrator.cli.verbs.session import Session, connect
from orchestrator.cli.verbs.targets import DEFAULT_NAMESPACE, Target

_MEBI = 1 << 20
_sort_by = click.option("--sort-by", type=click.Choice(["cpu", "memory"]), help="The largest first.")
_no_headers = click.option("--no-headers", is_flag=True, help="Rows only.")

#: Cores and bytes.
Usage = tuple[float, float]


@click.group()
def top() -> None:
    """Show how much processor time and memory nodes or pods use now."""


@top.command("nodes")
@click.argument("name", required=False)
@flags.selector
@_sort_by
@_no_headers
@click.pass_obj
def nodes(home: Path, name: str | None, selector: str, sort_by: str | None, no_headers: bool) -> None:
    """Show what nodes use, also as part of what they have for pods."""
    session = connect(home)
    found = session.objects(Target(_metrics(session, "nodes"), name or "", ""), **flags.selectors(selector))
    capacity = {meta.name(node): meta.status(node).get("allocatable") or {} for node in session.list_of("nodes")}
    used = ordered([(obj, usage(obj.get("usage"))) for obj in found], sort_by)
    rows = [node_row(meta.name(obj), use, usage(capacity.get(meta.name(obj)))) for obj, use in used]
    headings = ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"]
    click.echo("\n".join(tables.simple(headings, rows, headers=not no_headers)))


@top.command("pods")
@click.argument("name", required=False)
@flags.namespace
@flags.all_namespaces
@flags.selector
@click.option("--containers", is_flag=True, help="Each container by itself.")
@_sort_by
@_no_headers
@click.pass_obj
def pods(
    home: Path,
    name: str | None,
    namespace: str,
    all_namespaces: bool,
    selector: str,
    containers: bool,
    sort_by: str | None,
    no_headers: bool,
) -> None:
    """Show what pods use."""
    session = connect(home)
    place = "" if all_namespaces and not name else namespace or DEFAULT_NAMESPACE
    found = session.objects(Target(_metrics(session, "pods"), name or "", place), **flags.selectors(selector))
    if not found:
        click.echo(f"No resources found in {place} namespace." if place else "No resources found", err=True)
        return
    used = ordered([(obj, whole(obj)) for obj in found], sort_by)
    rows = [row for obj, use in used for row in pod_rows(obj, use, containers=containers, namespaces=not place)]
    headings = ["NAMESPACE"] * (not place) + (["POD", "NAME"] if containers else ["NAME"])
    table = tables.simple([*headings, "CPU(cores)", "MEMORY(bytes)"], rows, headers=not no_headers)
    click.echo("\n".join(table))


def _metrics(session: Session, plural: str) -> Kind:
    kind = session.catalog.by_type("metrics.k8s.io/v1beta1", {"nodes": "NodeMetrics", "pods": "PodMetrics"}[plural])
    if kind is None:
        raise Failure("this cluster measures nothing: the API metrics.k8s.io is not there")
    return kind


def usage(quantities: Object | None) -> Usage:
    """Of a ResourceList."""
    given = quantities or {}
    return float(parse(str(given.get("cpu", 0)))), float(parse(str(given.get("memory", 0))))


def whole(metrics: Object) -> Usage:
    """Of all containers of a pod."""
    parts = [usage(container.get("usage")) for container in metrics.get("containers") or []]
    return sum(cpu for cpu, _ in parts), sum(memory for _, memory in parts)


def ordered(used: list[tuple[Object, Usage]], by: str | None) -> list[tuple[Object, Usage]]:
    """By namespace and name, or the largest first."""
    by_name = sorted(used, key=lambda pair: meta.key(pair[0]))
    return by_name if by is None else sorted(by_name, key=lambda pair: pair[1][by == "memory"], reverse=True)


def node_row(name: str, used: Usage, have: Usage) -> list[str]:
    parts = [f"{100 * use / total:.0f}%" if total else "<unknown>" for use, total in zip(used, have, strict=True)]
    cpu, memory = amounts(used)
    return [name, cpu, parts[0], memory, parts[1]]


def pod_rows(metrics: Object, used: Usage, *, containers: bool, namespaces: bool) -> list[list[str]]:
    head = [meta.namespace(metrics)] * namespaces + [meta.name(metrics)]
    if not containers:
        return [[*head, *amounts(used)]]
    return [[*head, each["name"], *amounts(usage(each.get("usage")))] for each in metrics.get("containers") or []]


def amounts(used: Usage) -> tuple[str, str]:
    """`12m`, `34Mi`."""
    cpu, memory = used
    return f"{round(cpu * 1000)}m", f"{round(memory / _MEBI)}Mi"
