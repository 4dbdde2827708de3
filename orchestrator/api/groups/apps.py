"""The group `apps`: workloads that run for ever."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.controllerrevision import ControllerRevisionStrategy
from orchestrator.api.strategies.daemonset import DaemonSetStrategy
from orchestrator.api.strategies.deployment import DeploymentStrategy
from orchestrator.api.strategies.replicaset import ReplicaSetStrategy
from orchestrator.api.strategies.statefulset import StatefulSetStrategy

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
STATEFUL_SET = Kind(
    "apps",
    "v1",
    "StatefulSet",
    "statefulsets",
    short_names=("sts",),
    categories=("all",),
    subresources=("status", "scale"),
    strategy=StatefulSetStrategy(),
)
DAEMON_SET = Kind(
    "apps",
    "v1",
    "DaemonSet",
    "daemonsets",
    short_names=("ds",),
    categories=("all",),
    subresources=("status",),
    strategy=DaemonSetStrategy(),
)
CONTROLLER_REVISION = Kind(
    "apps", "v1", "ControllerRevision", "controllerrevisions", strategy=ControllerRevisionStrategy()
)

KINDS = (
    REPLICA_SET,
    DEPLOYMENT,
    STATEFUL_SET,
    DAEMON_SET,
    CONTROLLER_REVISION,
)
