"""ConfigMap."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class ConfigMapStrategy(Strategy):
    """Defaults, rules and table of ConfigMap."""
