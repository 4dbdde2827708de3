"""Deployment."""

from __future__ import annotations

from orchestrator.api.strategies.base import Strategy


class DeploymentStrategy(Strategy):
    """Defaults, rules and table of Deployment."""
