"""Node."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class NodeStrategy(Strategy):
    """Defaults, rules and table of Node."""
