"""The group `apps`: workloads that run for ever."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

REPLICA_SET = Kind(
    "apps",
    "v1",
    "ReplicaSet",
    "replicasets",
    short_names=("rs",),
    categories=("all",),
    subresources=("status", "scale"),
    rules="replicaset:ReplicaSetStrategy",
)
DEPLOYMENT = Kind(
    "apps",
    "v1",
    "Deployment",
    "deployments",
    short_names=("deploy",),
    categories=("all",),
    subresources=("status", "scale"),
    rules="deployment:DeploymentStrategy",
)
STATEFUL_SET = Kind(
    "apps",
    "v1",
    "StatefulSet",
    "statefulsets",
    short_names=("sts",),
    categories=("all",),
    subresources=("status", "scale"),
    rules="statefulset:StatefulSetStrategy",
)
DAEMON_SET = Kind(
    "apps",
    "v1",
    "DaemonSet",
    "daemonsets",
    short_names=("ds",),
    categories=("all",),
    subresources=("status",),
    rules="daemonset:DaemonSetStrategy",
)
CONTROLLER_REVISION = Kind(
    "apps", "v1", "ControllerRevision", "controllerrevisions", rules="controllerrevision:ControllerRevisionStrategy"
)

KINDS = (
    REPLICA_SET,
    DEPLOYMENT,
    STATEFUL_SET,
    DAEMON_SET,
    CONTROLLER_REVISION,
)
