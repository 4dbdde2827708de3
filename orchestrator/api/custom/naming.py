"""Which of the names that a definition asks for it gets: those that no other of its group has.

Conditions, reasons and sentences are those of `k8s.io/apiextensions-apiserver/pkg/controller/status`.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from orchestrator.api.custom import definition
from orchestrator.api.meta import Object, name, set_condition, spec, status


def next_status(crd: Object, others: Iterable[Object], now: str) -> Object:
    """`others` are all definitions there are; `crd` may be among them. `now` is in RFC 3339."""
    rivals = [each for each in others if name(each) != name(crd) and spec(each).get("group") == spec(crd).get("group")]
    accepted, conflicts = _accept(crd, rivals)
    fresh = deepcopy(status(crd))
    fresh["acceptedNames"] = accepted
    conditions = fresh.setdefault("conditions", [])
    set_condition(conditions, _names_accepted(conflicts), now)
    if not conflicts or not definition.is_established(crd):
        set_condition(conditions, _established(conflicts), now)
    return fresh


def _accept(crd: Object, rivals: list[Object]) -> tuple[Object, list[tuple[str, str]]]:
    """The names that hold, and of each conflict its reason and message. A name once accepted holds on."""
    wanted, before = spec(crd).get("names") or {}, definition.accepted_names(crd)
    resources, kinds = _taken(rivals)
    accepted, conflicts = dict(before), []
    for field, taken in (("plural", resources), ("singular", resources), ("kind", kinds), ("listKind", kinds)):
        value = wanted.get(field)
        if value and value in taken:
            conflicts.append((f"{field[:1].upper()}{field[1:]}Conflict", f'"{value}" is already in use'))
        elif value:
            accepted[field] = value
    short = wanted.get("shortNames") or []
    if used := [each for each in short if each in resources]:
        conflicts.append(("ShortNamesConflict", ", ".join(f'"{each}" is already in use' for each in used)))
    else:
        _put(accepted, "shortNames", short)
    _put(accepted, "categories", wanted.get("categories") or [])
    return accepted, conflicts


def _taken(rivals: list[Object]) -> tuple[set[str], set[str]]:
    resources: set[str] = set()
    kinds: set[str] = set()
    for names in map(definition.accepted_names, rivals):
        resources.update([names.get("plural") or "", names.get("singular") or "", *(names.get("shortNames") or ())])
        kinds.update([names.get("kind") or "", names.get("listKind") or ""])
    return resources, kinds


def _put(names: Object, field: str, values: list[str]) -> None:
    names.pop(field, None)
    if values:
        names[field] = values


def _names_accepted(conflicts: list[tuple[str, str]]) -> Object:
    # As in Kubernetes, which looks at each name in turn, the last conflict is told.
    reason, message = conflicts[-1] if conflicts else ("NoConflicts", "no conflicts found")
    return {
        "type": "NamesAccepted",
        "status": "False" if conflicts else "True",
        "reason": reason,
        "message": message,
    }


def _established(conflicts: list[tuple[str, str]]) -> Object:
    if conflicts:
        return {
            "type": "Established",
            "status": "False",
            "reason": "NotAccepted",
            "message": "not all names are accepted",
        }
    return {
        "type": "Established",
        "status": "True",
        "reason": "InitialNamesAccepted",
        "message": "the initial names have been accepted",
    }
