"""An object as text for a reader: every field under a title, in the order it is in. Pure.

What is to be said is a tree (`Tree`): titles, and under each a value, a list, another tree or a table.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.api import meta
from orchestrator.api.meta import Object
from orchestrator.cli.verbs import tables

Tree = dict[str, Any]

_NONE = "<none>"
_WORD = re.compile(r"[A-Z]{2,}s?(?=[A-Z]|$)|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_ACRONYMS = frozenset({"api", "cpu", "dns", "id", "ip", "ipc", "os", "pid", "tcp", "tls", "ttl", "uid", "url"})
#: Fields whose keys are the user's own words, and no fields.
_MAPS = frozenset(
    {"data", "binaryData", "stringData", "matchLabels", "labels", "annotations", "nodeSelector", "selector"}
    | {"limits", "requests", "capacity", "allocatable", "hard", "used", "overhead", "parameters"}
)
_SELECTOR = frozenset({"matchLabels", "matchExpressions"})
#: Said in the head, or of no use to a reader.
_IN_HEAD = frozenset({"apiVersion", "kind", "metadata"})
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class Table(list[str]):
    """Lines that are a table already."""


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    return Table(tables.simple(headings, rows))


def head(obj: Object) -> Tree:
    """What every object has."""
    metadata, owner = meta.metadata(obj), meta.controller_of(obj)
    annotations = {key: value for key, value in meta.annotations(obj).items() if key != _LAST_APPLIED}
    found: Tree = {"Name": meta.name(obj), "Namespace": meta.namespace(obj)}
    found |= {"Labels": pairs(meta.labels(obj)), "Annotations": pairs(annotations)}
    found["Controlled By"] = f"{owner['kind']}/{owner['name']}" if owner else None
    found |= {"Created": metadata.get("creationTimestamp"), "Deleted": metadata.get("deletionTimestamp")}
    found["Finalizers"] = meta.finalizers(obj) or None
    return {title: value for title, value in found.items() if value not in (None, "")}


def general(obj: Object) -> Tree:
    """Of an object of any kind: all its fields, but for what a Secret keeps."""
    rest = {key: value for key, value in obj.items() if key not in _IN_HEAD}
    if obj.get("kind") == "Secret":
        rest["data"] = {key: f"{size(value)} bytes" for key, value in (obj.get("data") or {}).items()}
    status = dict(rest.pop("status", None) or {})
    conditions = status.pop("conditions", None)
    tree = head(obj) | fields(rest)
    if status:
        tree["Status"] = fields(status)
    return tree | ({"Conditions": condition_table(conditions)} if conditions else {})


def fields(value: Object) -> Tree:
    """Field names become titles; keys that are the user's (labels, files of a ConfigMap) stay."""
    return {title(key): inner if _is_map(key, inner) else _walk(inner) for key, inner in value.items()}


def _is_map(field: str, value: Any) -> bool:
    """A selector is a map of labels in some kinds, and an object in others."""
    return field in _MAPS and isinstance(value, dict) and not value.keys() & _SELECTOR


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        return fields(value)
    return [_walk(inner) for inner in value] if isinstance(value, list) else value


def title(field: str) -> str:
    """`terminationGracePeriodSeconds` -> `Termination Grace Period Seconds`; `app.conf` as it is."""
    if not re.fullmatch(r"[a-z][a-zA-Z0-9]*", field):
        return field
    words = _WORD.findall(field)
    return " ".join(w.upper() if w.lower() in _ACRONYMS else w[:1].upper() + w[1:] for w in words)


def pairs(mapping: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in sorted(mapping.items())]


def size(encoded: str) -> int:
    """Bytes that a Secret's value has."""
    try:
        return len(base64.b64decode(encoded))
    except (binascii.Error, ValueError):
        return len(encoded)


def condition_table(conditions: Sequence[Object]) -> Table:
    rows = [(c.get("type"), c.get("status"), c.get("reason") or "", c.get("message") or "") for c in conditions]
    return table(["TYPE", "STATUS", "REASON", "MESSAGE"], rows)


def event_table(events: Sequence[Object], ages: Sequence[str]) -> Table | None:
    """The latest last; None when nothing happened."""
    rows = [
        (e.get("type"), e.get("reason"), age, (e.get("source") or {}).get("component") or "", e.get("message"))
        for e, age in zip(events, ages, strict=True)
    ]
    return table(["TYPE", "REASON", "AGE", "FROM", "MESSAGE"], rows) if rows else None


def pod_template(template: Object) -> Tree:
    """Of a workload: labels, and what its pods are to be."""
    return {"Labels": pairs(meta.labels(template)), **fields(meta.spec(template))}


def render(tree: Tree, indent: str = "") -> Iterator[str]:
    """Lines: titles in one column, values in another; trees, lists of trees and tables beneath their title."""
    flat = [len(name) for name, value in tree.items() if not _beneath(value)]
    width = max(flat, default=0) + 1
    for name, value in tree.items():
        if not _beneath(value):
            first, *more = _values(value)
            yield f"{indent}{name + ':':<{width}}  {first}"
            yield from (f"{indent}{'':<{width}}  {line}" for line in more)
            continue
        yield f"{indent}{name}:"
        yield from _render_beneath(value, indent + "  ")


def _render_beneath(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Table):
        yield from (indent + line for line in value)
    elif isinstance(value, dict):
        yield from render(value, indent)
    else:
        for item in value:
            yield from _render_item(item, indent)


def _render_item(item: Any, indent: str) -> Iterator[str]:
    """A list's item: beneath its name, or behind a dash."""
    if not isinstance(item, dict):
        yield f"{indent}- {' '.join(_values(item))}"
    elif isinstance(item.get("Name"), str):
        yield f"{indent}{item['Name']}:"
        yield from render({name: value for name, value in item.items() if name != "Name"}, indent + "  ")
    else:
        for number, line in enumerate(render(item)):
            yield f"{indent}{'  ' if number else '- '}{line}"


def _beneath(value: Any) -> bool:
    if isinstance(value, Table):
        return True
    return bool(value) and (isinstance(value, dict) or (isinstance(value, list) and any(map(_nested, value))))


def _nested(value: Any) -> bool:
    return isinstance(value, dict | list)


def _values(value: Any) -> list[str]:
    """The lines of what stands beside a title."""
    if value in (None, "", [], {}):
        return [_NONE]
    if isinstance(value, list):
        return [text for item in value for text in _values(item)]
    return str(value).splitlines() if not isinstance(value, bool) else [str(value).lower()]
