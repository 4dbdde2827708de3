"""All the built-in kinds. To add one, write its strategy and add its entry to its group's module."""

from __future__ import annotations

from orchestrator.api.groups import (
    apps,
    coordination,
    core,
    discovery,
    networking,
    node,
    rbac,
    reviews,
    scheduling,
    storage,
)
from orchestrator.api.kinds import Kinds

BUILTIN = Kinds(
    (
        *core.KINDS,
        *apps.KINDS,
        *coordination.KINDS,
        *discovery.KINDS,
        *rbac.KINDS,
        *reviews.KINDS,
        *networking.KINDS,
        *node.KINDS,
        *scheduling.KINDS,
        *storage.KINDS,
    )
)
