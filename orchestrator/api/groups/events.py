"""The group `events.k8s.io`: the Events of the core group under newer names."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.event_v1 import CONVERSION

NEW_EVENT = Kind(
    "events.k8s.io",
    "v1",
    "Event",
    "events",
    short_names=("ev",),
    rules="event_v1:NewEventStrategy",
    primary=False,
    conversion=CONVERSION,
)

KINDS = (NEW_EVENT,)
