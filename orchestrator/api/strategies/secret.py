"""Secret."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class SecretStrategy(Strategy):
    """Defaults, rules and table of Secret."""
