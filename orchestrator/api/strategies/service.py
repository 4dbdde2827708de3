"""Service."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class ServiceStrategy(Strategy):
    """Defaults, rules and table of Service."""
