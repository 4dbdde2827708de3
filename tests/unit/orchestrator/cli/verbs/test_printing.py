"""Tables, paths, templates and descriptions: values in, text out."""

from __future__ import annotations

from typing import Any

import click
import pytest

from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import description, jsonpath, output
from orchestrator.cli.verbs.fieldpath import FieldPath
from orchestrator.cli.verbs.tables import Look, Printer, paint

POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "ns", "labels": {"app.kubernetes.io/name": "web", "tier": "front"}},
    "spec": {"containers": [{"name": "a", "image": "one"}, {"name": "b", "image": "two"}]},
    "status": {"phase": "Running", "restarts": 3},
}


def table(*rows: tuple[str, str, str], columns: bool = True) -> Object:
    definitions = [
        {"name": "Name", "format": "name", "priority": 0},
        {"name": "Status", "priority": 0},
        {"name": "Node", "priority": 1},
    ]
    listed = [{"cells": list(row), "object": {"metadata": {**POD["metadata"], "name": row[0]}}} for row in rows]
    return {"columnDefinitions": definitions if columns else None, "rows": listed}


def plain(printer: Printer, rows: Object) -> list[str]:
    return [click.unstyle(line) for line in printer.lines(rows)]


def test_columns_are_aligned_and_wide_ones_hidden() -> None:
    rows = table(("web", "Running", "n1"), ("a-long-name", "Pending", "n2"))
    assert plain(Printer(Look()), rows) == [
        "NAME          STATUS",
        "web           Running",
        "a-long-name   Pending",
    ]
    assert plain(Printer(Look(wide=True)), rows)[1] == "web           Running   n1"


def test_what_is_added_to_the_servers_columns() -> None:
    look = Look(namespaces=True, labels=True, label_columns=("tier",), prefix="pod/", headers=False)
    assert plain(Printer(look), table(("web", "Running", "n1"))) == [
        "ns   pod/web   Running   front   app.kubernetes.io/name=web,tier=front"
    ]


def test_a_watch_goes_on_with_the_same_columns() -> None:
    printer = Printer(Look())
    plain(printer, table(("a-long-name", "Running", "n1")))
    assert plain(printer, table(("web", "Error", "n1"), columns=False)) == ["web           Error"]


@pytest.mark.parametrize(
    ("column", "cell", "colour"),
    [
        ("STATUS", "Running", "green"),
        ("STATUS", "CrashLoopBackOff", "red"),
        ("STATUS", "Ready,SchedulingDisabled", "green"),
        ("STATUS", "ContainerCreating", "yellow"),
        ("READY", "1/1", "green"),
        ("READY", "0/2", "yellow"),
        ("NAME", "Running", ""),
    ],
)
def test_colours(column: str, cell: str, colour: str) -> None:
    assert paint(column, cell) == colour


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".metadata.name", ["web"]),
        ("metadata.name", ["web"]),
        ("$.metadata['name','namespace']", ["web", "ns"]),
        (r".metadata.labels.app\.kubernetes\.io/name", ["web"]),
        (".metadata.labels['app.kubernetes.io/name']", ["web"]),
        (".spec.containers[*].image", ["one", "two"]),
        (".spec.containers[-1].name", ["b"]),
        (".spec.containers[0:1].name", ["a"]),
        ('.spec.containers[?(@.name=="b")].image', ["two"]),
        ("..image", ["one", "two"]),
        (".status[?(@ > 2)]", [3]),
        (".status.missing.deeper", []),
        (".", [POD]),
    ],
)
def test_paths(path: str, found: list[Any]) -> None:
    assert FieldPath(path).find(POD) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".metadata.name", "web"),
        ("{.metadata.name}", "web"),
        ("name: {.metadata.name}\n", "name: web\n"),
        ('{range .spec.containers[*]}{.name}{"\\t"}{.image}{"\\n"}{end}', "a\tone\nb\ttwo\n"),
        ("{.spec.containers[*].name}", "a b"),
        ("{.metadata.name} {.spec.containers[0]}", 'web {"name":"a","image":"one"}'),
        ('{.spec.containers[?(@.name == "b")].image}', "two"),
        ("{.missing}", ""),
    ],
)
def test_templates(text: str, said: str) -> None:
    assert jsonpath.template(text)(POD) == said


@pytest.mark.parametrize("text", ["{.a", "{range .a}", "{end}", "{.a[}", "{.a[?(@.b==c)]}"])
def test_templates_that_are_none(text: str) -> None:
    with pytest.raises(Failure):
        jsonpath.template(text)


def test_custom_columns() -> None:
    lines = jsonpath.columns("NAME:.metadata.name,IMAGES:{.spec.containers[*].image},X:.none", [POD], headers=True)
    assert [click.unstyle(line) for line in lines] == ["NAME   IMAGES    X", "web    one,two   <none>"]
    with pytest.raises(Failure):
        jsonpath.columns("NAME", [POD], headers=True)


def test_outputs() -> None:
    assert output.render(output.parse("name"), [POD], single=True) == "pod/web\n"
    listed = output.render(output.parse("json"), [], single=False)
    assert '"kind": "List"' in listed
    for text in ("xml", "jsonpath", "custom-columns", "yaml=x"):
        with pytest.raises(Failure):
            output.parse(text)


def test_a_description_has_every_field_but_no_secrets() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "labels": {"a": "b"}},
        "type": "Opaque",
        "data": {"password": "c2VjcmV0"},
    }
    assert list(description.render(description.general(secret))) == [
        "Name:         s",
        "Labels:       a=b",
        "Annotations:  <none>",
        "Type:         Opaque",
        "Data:",
        "  password:  6 bytes",
    ]


def test_a_description_of_nested_lists() -> None:
    tree = {"Rules": [{"Name": "first", "Hosts": ["a", "b"]}, {"Path": "/", "Ports": [{"Port": 1}]}], "Empty": []}
    assert list(description.render(tree)) == [
        "Rules:",
        "  first:",
        "    Hosts:  a",
        "            b",
        "  - Path:  /",
        "    Ports:",
        "      - Port:  1",
        "Empty:  <none>",
    ]


@pytest.mark.parametrize(
    ("field", "title"),
    [
        ("terminationGracePeriodSeconds", "Termination Grace Period Seconds"),
        ("clusterIPs", "Cluster IPs"),
        ("dnsPolicy", "DNS Policy"),
        ("podIP", "Pod IP"),
        ("systemUUID", "System UUID"),
        ("ca.crt", "ca.crt"),
    ],
)
def test_titles(field: str, title: str) -> None:
    assert description.title(field) == title
