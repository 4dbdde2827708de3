"""ServiceAccount."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class ServiceAccountStrategy(Strategy):
    """Defaults, rules and table of ServiceAccount."""
