"""Two writers at once: how often the slower one tries again, and what it is told then."""

from __future__ import annotations

from orchestrator.api.errors import Conflict
from orchestrator.api.kinds import Kind

#: How often a write is tried again when somebody else wrote in between.
ATTEMPTS = 8


def conflict(kind: Kind, name: str, why: str = "", *, subresource: str = "") -> Conflict:
    """409 in Kubernetes' words; `why` is "the object has been modified ..." unless given."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    resource = f"{kind.plural}/{subresource}" if subresource else kind.resource
    return Conflict(
        f'Operation cannot be fulfilled on {resource} "{name}": {why}',
        details={"name": name, "group": kind.group, "kind": kind.plural},
    )
