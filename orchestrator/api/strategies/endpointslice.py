"""EndpointSlice."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class EndpointSliceStrategy(Strategy):
    """Defaults, rules and table of EndpointSlice."""
