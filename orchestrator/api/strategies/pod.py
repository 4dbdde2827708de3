"""Pod."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class PodStrategy(Strategy):
    """Defaults, rules and table of Pod."""
