"""Objects as tables and as bare metadata (`meta.k8s.io/v1`): for `kubectl get`, and for metadata clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, cast

from orchestrator.api.errors import BadRequest
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, resource_version
from orchestrator.api.strategies.base import Column, all_cells, all_columns

API_VERSION = "meta.k8s.io/v1"

#: How much of the object a row carries.
Include = Literal["None", "Metadata", "Object"]


def include(options: Mapping[str, str]) -> Include:
    """The `includeObject` query parameter. Raises BadRequest."""
    value = options.get("includeObject") or "Metadata"
    if value not in ("None", "Metadata", "Object"):
        raise BadRequest(f'unrecognized includeObject value: "{value}"')
    return cast(Include, value)


def table(
    kind: Kind,
    objects: Iterable[Object],
    now: float,
    *,
    metadata: Object | None = None,
    include: Include = "Metadata",
    headers: bool = True,
) -> Object:
    """A Table with a row an object. `metadata` is the list's (resourceVersion, continue, remainingItemCount).

    Without `headers` the columns are left out: a watch sends them with its first event only.
    """
    columns = [_column(column) for column in all_columns(kind.strategy)] if headers else None
    rows = [{"cells": all_cells(kind.strategy, obj, now), "object": _included(kind, obj, include)} for obj in objects]
    return {
        "kind": "Table",
        "apiVersion": API_VERSION,
        "metadata": metadata or {},
        "columnDefinitions": columns,
        "rows": rows,
    }


def table_of(kind: Kind, obj: Object, now: float, *, include: Include = "Metadata", headers: bool = True) -> Object:
    """The Table of one object: the answer to a get, and the object of a watch event."""
    metadata = {"resourceVersion": resource_version(obj)}
    return table(kind, [obj], now, metadata=metadata, include=include, headers=headers)


def partial(obj: Object) -> Object:
    """PartialObjectMetadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": API_VERSION, "metadata": obj.get("metadata") or {}}


def partial_list(objects: Iterable[Object], metadata: Object) -> Object:
    """PartialObjectMetadataList; `metadata` is the list's."""
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": API_VERSION,
        "metadata": metadata,
        "items": [partial(obj) for obj in objects],
    }


def _column(column: Column) -> Object:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


def _included(kind: Kind, obj: Object, include: Include) -> Object | None:
    if include == "None":
        return None
    # Items of a list need not name their type, but rows must.
    return partial(obj) if include == "Metadata" else {**obj, "kind": kind.kind, "apiVersion": kind.api_version}
