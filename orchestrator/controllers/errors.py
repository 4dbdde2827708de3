"""What an API error means to a controller."""

from __future__ import annotations

from orchestrator.api.errors import ApiError


def namespace_is_terminating(error: ApiError) -> bool:
    """The namespace is going away: nothing can be created in it, and trying again is in vain."""
    causes = error.details.get("causes") or []
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)
