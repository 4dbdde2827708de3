"""All the built-in kinds. To add one, write its strategy and add its entry to its group's module."""

from __future__ import annotations

from orchestrator.api.groups import (
    apiextensions,
    apps,
    autoscaling,
    coordination,
    core,
    discovery,
    events,
    rbac,
    reviews,
)
from orchestrator.api.kinds import Kinds

BUILTIN = Kinds(
    (
        *core.KINDS,
        *apps.KINDS,
        *autoscaling.KINDS,
        *coordination.KINDS,
        *discovery.KINDS,
        *events.KINDS,
        *rbac.KINDS,
        *reviews.KINDS,
        *apiextensions.KINDS,
    )
)
