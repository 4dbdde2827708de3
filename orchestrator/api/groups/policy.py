"""The group `policy`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

POD_DISRUPTION_BUDGET = Kind(
    "policy",
    "v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
    short_names=("pdb",),
    subresources=("status",),
    rules="poddisruptionbudget:PodDisruptionBudgetStrategy",
)

KINDS = (POD_DISRUPTION_BUDGET,)
