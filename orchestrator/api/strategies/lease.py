"""Lease."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class LeaseStrategy(Strategy):
    """Defaults, rules and table of Lease."""
