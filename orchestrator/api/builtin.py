"""All the built-in kinds. To add one, write its strategy and add its entry to its group's module."""

from __future__ import annotations

from orchestrator.api.groups import (
    apiextensions,
    apps,
    autoscaling,
    batch,
    certificates,
    coordination,
    core,
    discovery,
    events,
    metrics,
    networking,
    node,
    policy,
    rbac,
    reviews,
    scheduling,
    storage,
)
from orchestrator.api.kinds import Kinds

_GROUPS = (
    core,
    apiextensions,
    apps,
    autoscaling,
    batch,
    certificates,
    coordination,
    discovery,
    events,
    metrics,
    networking,
    node,
    policy,
    rbac,
    reviews,
    scheduling,
    storage,
)

BUILTIN = Kinds(tuple(kind for group in _GROUPS for kind in group.KINDS))
