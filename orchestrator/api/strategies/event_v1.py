"""Event of `events.k8s.io/v1`: what it calls the fields of the core Event, and what it asks of new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.api.checks import Errors
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.kinds import Conversion
from orchestrator.api.meta import Object
from orchestrator.api.strategies.converted import ConvertedStrategy
from orchestrator.api.strategies.event import EventStrategy

API_VERSION = "events.k8s.io/v1"
#: Name here -> name in the core group.
_NAMES = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_CORE_NAMES = {core: new for new, core in _NAMES.items()}
#: What only Events of the core group say themselves.
_DEPRECATED = ("firstTimestamp", "lastTimestamp", "count")
#: A field selector that only the core group knows.
_UNKNOWN_LABEL = "source"
_TYPES = ("Normal", "Warning")


def to_core(event: Object) -> Object:
    return {**_renamed(event, _NAMES), "apiVersion": "v1"}


def to_events(event: Object) -> Object:
    return {**_renamed(event, _CORE_NAMES), "apiVersion": API_VERSION}


def _renamed(event: Object, names: Mapping[str, str]) -> Object:
    return {names.get(field, field): value for field, value in event.items()}


CONVERSION = Conversion("", show=to_events, store=to_core)


class NewEventStrategy(ConvertedStrategy):
    """Field selectors know the new names and the old ones' values."""

    def __init__(self) -> None:
        super().__init__(EventStrategy(), CONVERSION)
        self.selectable = frozenset(map(_new_label, self._stored.selectable - {_UNKNOWN_LABEL}))

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {_new_label(label): value for label, value in super().fields(obj).items() if label != _UNKNOWN_LABEL}

    def validate(self, obj: Object) -> list[FieldError]:
        """The reporter has its own name here; other fields are told by their old ones, as in Kubernetes."""
        return [
            replace(error, field="reportingController") if error.field == "reportingComponent" else error
            for error in super().validate(obj)
        ]

    def validate_create(self, obj: Object) -> list[FieldError]:
        return [*super().validate_create(obj), *_new(self._store(obj))]


def _new_label(label: str) -> str:
    """`involvedObject.kind` -> `regarding.kind`."""
    field, dot, rest = label.partition(".")
    return f"{_CORE_NAMES.get(field, field)}{dot}{rest}"


def _new(event: Object) -> Errors:
    """As `validateV1EventSeries` and its neighbours in `k8s.io/kubernetes/pkg/apis/core/validation/events.go`."""
    if not event.get("eventTime"):
        yield required("eventTime")
    if event.get("type") not in _TYPES:
        yield invalid("type", event.get("type") or "", f"has invalid value: {event.get('type') or ''}")
    for field in _DEPRECATED:
        if event.get(field):
            yield invalid(field, event[field], "needs to be unset")
    if event.get("source"):
        yield invalid("source", event["source"], "needs to be unset")
