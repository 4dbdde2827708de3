"""Which combinations of a list's or a watch's options make sense. Rules and words are Kubernetes'."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.api.errors import FieldError, forbidden, invalid_object, not_supported
from orchestrator.server.options import boolean

_MATCH, _INITIAL = "resourceVersionMatch", "sendInitialEvents"
_NEWER, _EXACT = "NotOlderThan", "Exact"


def check_list(options: Mapping[str, str]) -> None:
    """Raises Invalid."""
    match, version = options.get(_MATCH, ""), options.get("resourceVersion", "")
    errors: list[FieldError] = []
    if match:
        if not version:
            errors.append(forbidden(_MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided"))
        if options.get("continue"):
            errors.append(forbidden(_MATCH, "resourceVersionMatch is forbidden when continue is provided"))
        if match not in (_EXACT, _NEWER):
            errors.append(not_supported(_MATCH, match, (_EXACT, _NEWER, "")))
        if match == _EXACT and version == "0":
            errors.append(forbidden(_MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
    if _INITIAL in options:
        errors.append(forbidden(_INITIAL, "sendInitialEvents is forbidden for list"))
    _raise(errors)


def check_watch(options: Mapping[str, str]) -> None:
    """Raises Invalid."""
    match = options.get(_MATCH, "")
    errors: list[FieldError] = []
    if _INITIAL in options and match != _NEWER:
        errors.append(forbidden(_MATCH, f"sendInitialEvents requires setting resourceVersionMatch to {_NEWER}"))
    if match:
        if _INITIAL not in options:
            why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            errors.append(forbidden(_MATCH, why))
        if match != _NEWER:
            errors.append(not_supported(_MATCH, match, (_NEWER,)))
        if options.get("continue"):
            errors.append(forbidden(_MATCH, "resourceVersionMatch is forbidden when continue is provided"))
    _raise(errors)


def wants_initial(options: Mapping[str, str], revision: int) -> bool:
    """Whether a watch begins with what there is: where it is not said, one from no revision in particular does."""
    return boolean(options, _INITIAL) if _INITIAL in options else revision == 0


def _raise(errors: list[FieldError]) -> None:
    if errors:
        raise invalid_object("ListOptions", "meta.k8s.io", "", errors)
