"""Event."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class EventStrategy(Strategy):
    """Defaults, rules and table of Event."""
