"""Event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api.checks import Errors, follows, unchanged
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.meta import Object, name, namespace
from orchestrator.api.names import qualified_name
from orchestrator.api.strategies.base import Cell, Column, Strategy, age_of, wide

_OBJECT_FIELDS = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
#: What an event of the new API (with `eventTime`) says for good.
_FIXED = ("involvedObject", "reason", "type", "reportingComponent", "reportingInstance", "action", "eventTime")

#: Bytes of what such an event says, and of its message, at most.
_LONGEST, _LONGEST_MESSAGE = 128, 1024


class EventStrategy(Strategy):
    columns = (
        Column("Last Seen"),
        Column("Type"),
        Column("Reason"),
        Column("Object"),
        wide("Subobject"),
        wide("Source"),
        Column("Message"),
        wide("First Seen"),
        wide("Count", "integer"),
        wide("Name"),
    )
    has_status = False
    selectable = frozenset(
        {*(f"involvedObject.{field}" for field in _OBJECT_FIELDS), "reason", "reportingComponent", "source", "type"}
    )

    def validate(self, obj: Object) -> list[FieldError]:
        """An event is where its object is; about a cluster-scoped object, in `default`."""
        about = _about(obj).get("namespace") or ""
        errors = list(_new_style(obj)) if obj.get("eventTime") else []
        if (about or "default") != namespace(obj):
            errors.append(invalid("involvedObject.namespace", about, "does not match event.namespace"))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        if not new.get("eventTime"):
            return []
        return [error for field in _FIXED for error in unchanged(field, new.get(field), old.get(field))]

    def fields(self, obj: Object) -> Mapping[str, str]:
        component = (obj.get("source") or {}).get("component") or obj.get("reportingComponent") or ""
        return {
            **{f"involvedObject.{field}": _about(obj).get(field) or "" for field in _OBJECT_FIELDS},
            "reason": obj.get("reason") or "",
            "reportingComponent": obj.get("reportingComponent") or "",
            "source": component,
            "type": obj.get("type") or "",
        }

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        first = obj.get("firstTimestamp") or obj.get("eventTime")
        series = obj.get("series") or {}
        last = series.get("lastObservedTime") or obj.get("lastTimestamp") or first
        kind, about = str(_about(obj).get("kind") or "").lower(), _about(obj).get("name")
        return (
            age_of(last, now),
            obj.get("type") or "",
            obj.get("reason") or "",
            f"{kind}/{about}" if about else kind,
            _about(obj).get("fieldPath") or "",
            _source(obj),
            str(obj.get("message") or "").strip(),
            age_of(first, now),
            series.get("count") or obj.get("count") or 1,
            name(obj),
        )


def _new_style(event: Object) -> Errors:
    """As `legacyValidateEvent` in `k8s.io/kubernetes/pkg/apis/core/validation/events.go`."""
    reporter = event.get("reportingComponent") or ""
    if not reporter:
        yield required("reportingComponent")
    yield from follows("reportingComponent", reporter, qualified_name)
    for field in ("reportingInstance", "action", "reason"):
        if not event.get(field):
            yield required(field)
        yield from _at_most(event, field, _LONGEST)
    yield from _at_most(event, "message", _LONGEST_MESSAGE)


def _at_most(event: Object, field: str, longest: int) -> Errors:
    if len((event.get(field) or "").encode()) > longest:
        yield invalid(field, "", f"can have at most {longest} characters")


def _about(event: Object) -> Object:
    return event.get("involvedObject") or {}


def _source(event: Object) -> str:
    source = event.get("source") or {}
    parts = (
        source.get("component") or event.get("reportingComponent"),
        source.get("host") or event.get("reportingInstance"),
    )
    return ", ".join(part for part in parts if part)
