"""Namespace."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class NamespaceStrategy(Strategy):
    """Defaults, rules and table of Namespace."""
