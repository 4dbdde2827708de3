"""All the built-in kinds. To add one, write its strategy and add its entry to its group's module."""

from __future__ import annotations

from orchestrator.api.groups import apps, batch, coordination, core, discovery, policy, rbac, reviews
from orchestrator.api.kinds import Kinds

BUILTIN = Kinds(
    (
        *core.KINDS,
        *apps.KINDS,
        *batch.KINDS,
        *coordination.KINDS,
        *discovery.KINDS,
        *policy.KINDS,
        *rbac.KINDS,
        *reviews.KINDS,
    )
)
