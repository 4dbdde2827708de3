"""The group `apps`: workloads that run for ever."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.deployment import DeploymentStrategy
from orchestrator.api.strategies.replicaset import ReplicaSetStrategy

REPLICA_SET = Kind(
    "apps",
    "v1",
    "ReplicaSet",
    "replicasets",
    short_names=("rs",),
    categories=("all",),
    subresources=("status", "scale"),
    strategy=ReplicaSetStrategy(),
)
DEPLOYMENT = Kind(
    "apps",
    "v1",
    "Deployment",
    "deployments",
    short_names=("deploy",),
    categories=("all",),
    subresources=("status", "scale"),
    strategy=DeploymentStrategy(),
)

KINDS = (
    REPLICA_SET,
    DEPLOYMENT,
)
