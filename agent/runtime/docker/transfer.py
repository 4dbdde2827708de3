"""The message streams of pull, push and build."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agent.runtime.base import Progress, RuntimeFailure

_COUNTED = ("Downloading", "Pushing")


def follow(
    messages: Iterable[Mapping[str, Any]],
    progress: Progress | None = None,
    failure: type[RuntimeFailure] = RuntimeFailure,
) -> Mapping[str, Any]:
    """Read to the end, reporting bytes a layer; returns the auxiliary facts (`Digest`, `ID`). Raises `failure`."""
    facts: dict[str, Any] = {}
    for message in messages:
        if error := message.get("error"):
            raise failure((message.get("errorDetail") or {}).get("message") or error)
        facts.update(message.get("aux") or {})
        if progress is not None and message.get("status") in _COUNTED:
            detail = message.get("progressDetail") or {}
            progress(message["id"], int(detail.get("current", 0)), int(detail.get("total", 0)))
    return facts
