"""Endpoints."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class EndpointsStrategy(Strategy):
    """Defaults, rules and table of Endpoints."""
