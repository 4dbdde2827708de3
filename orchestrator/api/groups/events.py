"""The group `events.k8s.io`: the Events of the core group under newer names."""

from __future__ import annotations

from orchestrator.api.groups.core import EVENT
from orchestrator.api.kinds import Conversion, Kind
from orchestrator.api.strategies.event_v1 import NewEventStrategy, to_core, to_events

_CONVERSION = Conversion(EVENT.group, show=to_events, store=to_core)
NEW_EVENT = Kind(
    "events.k8s.io",
    "v1",
    "Event",
    "events",
    short_names=("ev",),
    strategy=NewEventStrategy(EVENT.strategy, _CONVERSION),
    primary=False,
    conversion=_CONVERSION,
)

KINDS = (NEW_EVENT,)
