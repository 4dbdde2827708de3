"""ReplicaSet."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class ReplicaSetStrategy(Strategy):
    """Defaults, rules and table of ReplicaSet."""
