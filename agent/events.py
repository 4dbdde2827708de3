"""The Events that a change of a pod's status tells of. Pure; what an action does is told by the action."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from agent.observed import STATUS_FIELDS
from agent.podspec import find_by_name
from agent.resize import IN_PROGRESS, PENDING
from orchestrator.api.meta import Object, find_condition, name, namespace, uid
from orchestrator.api.pods import ephemeral_containers, init_containers
from orchestrator.client.events import EventType

CRASHING = "CrashLoopBackOff"


class PodEvent(NamedTuple):
    type: EventType
    reason: str
    message: str


def status_events(pod: Object, old: Object, new: Object) -> Iterator[PodEvent]:
    for field in STATUS_FIELDS:
        for entry in new.get(field) or ():
            before = find_by_name(old.get(field), entry["name"]) or {}
            if _crashes(entry) and (not _crashes(before) or before["restartCount"] != entry["restartCount"]):
                where = f"container {entry['name']} in pod {name(pod)}_{namespace(pod)}({uid(pod)})"
                yield PodEvent("Warning", "BackOff", f"Back-off restarting failed {where}")
    yield from _resize_events(old, new)
    if new.get("reason") == "DeadlineExceeded" != old.get("reason"):
        yield PodEvent("Normal", "DeadlineExceeded", str(new.get("message", "")))


def _resize_events(old: Object, new: Object) -> Iterator[PodEvent]:
    before, now = old.get("conditions") or [], new.get("conditions") or []
    pending, told = find_condition(now, PENDING), find_condition(before, PENDING)
    if pending and (told or {}).get("reason") != pending["reason"]:
        yield PodEvent("Warning", f"Resize{pending['reason']}", pending["message"])
    resizing, resized = find_condition(now, IN_PROGRESS), find_condition(before, IN_PROGRESS)
    if resizing and not resized:
        yield PodEvent("Normal", "ResizeStarted", "Pod resize started")
    elif resized and not resizing:
        yield PodEvent("Normal", "ResizeCompleted", "Pod resize completed")


def field_path(pod: Object, container: str) -> str:
    """The part of the pod that an event about one container points at: `spec.containers{app}`."""
    others = {"initContainers": init_containers(pod), "ephemeralContainers": ephemeral_containers(pod)}
    found = next((field for field, entries in others.items() if find_by_name(entries, container)), "containers")
    return f"spec.{found}{{{container}}}"


def _crashes(entry: Object) -> bool:
    return bool(entry.get("state", {}).get("waiting", {}).get("reason") == CRASHING)
