"""Objects as the API server would hand them to a controller."""

from __future__ import annotations

import itertools
from typing import Any

from orchestrator.api.meta import Object, owner_reference
from orchestrator.api.times import rfc3339

NOW = 1_700_000_000.0
_numbers = itertools.count(1)


def meta(name: str, namespace: str = "default", *, age: float = 0, **fields: Any) -> Object:
    """`age` in seconds before NOW."""
    number = next(_numbers)
    return {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{number:05d}",
        "resourceVersion": str(number),
        "generation": 1,
        "creationTimestamp": rfc3339(NOW - age),
        **fields,
    }


def condition(kind: str, status: str, *, since: float = 0, **fields: Any) -> Object:
    return {"type": kind, "status": status, "lastTransitionTime": rfc3339(NOW - since), **fields}


def pod(
    name: str = "",
    *,
    labels: dict[str, str] | None = None,
    node: str = "node-1",
    phase: str = "Running",
    ready: bool = True,
    ready_for: float = 60,
    restarts: int = 0,
    owner: Object | None = None,
    deleting: bool = False,
    ip: str = "",
    age: float = 60,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> Object:
    number = next(_numbers)
    made: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta(name or f"pod-{number}", age=age, labels=labels or {"app": "web"}),
        "spec": {"containers": [{"name": "app", "image": "nginx"}], **spec},
        "status": {
            "phase": phase,
            "conditions": [condition("Ready", "True" if ready else "False", since=ready_for)],
            "containerStatuses": [{"name": "app", "restartCount": restarts}],
        },
    }
    if node:
        made["spec"]["nodeName"] = node
    if ip:
        made["status"]["podIP"] = ip
    if owner is not None:
        made["metadata"]["ownerReferences"] = [owner_reference(owner)]
    if deleting:
        made["metadata"] |= {"deletionTimestamp": rfc3339(NOW + 30), "deletionGracePeriodSeconds": 30}
    if annotations:
        made["metadata"]["annotations"] = annotations
    return made


def template(image: str = "nginx:1", **labels: str) -> Object:
    return {
        "metadata": {"labels": {"app": "web", **labels}},
        "spec": {"containers": [{"name": "app", "image": image}]},
    }


def replica_set(
    name: str = "web-1", replicas: int = 3, *, image: str = "nginx:1", age: float = 60, **spec: Any
) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": meta(name, age=age, labels={"app": "web"}),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            **spec,
        },
        "status": {"replicas": 0},
    }


def stateful_set(replicas: int = 3, *, name: str = "web", image: str = "nginx:1", **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": meta(name),
        "spec": {
            "replicas": replicas,
            "serviceName": "peers",
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "revisionHistoryLimit": 10,
            **spec,
        },
        "status": {"replicas": 0},
    }


def daemon_set(
    name: str = "agent", *, image: str = "nginx:1", surge: Any = 0, unavailable: Any = 1, **spec: Any
) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": meta(name),
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            "updateStrategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
            },
            "revisionHistoryLimit": 10,
            **spec,
        },
        "status": {},
    }


def deployment(
    replicas: int = 3, *, image: str = "nginx:1", surge: Any = 1, unavailable: Any = 0, **spec: Any
) -> Object:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta("web"),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            "strategy": strategy,
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
            **spec,
        },
        "status": {},
    }


def service(name: str = "web", *, ports: list[Object] | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta(name, labels={"team": "shop"}),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.96.0.20",
            "selector": {"app": "web"},
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}] if ports is None else ports,
            **spec,
        },
    }


def node(name: str = "node-1", ready: str = "True", *, taints: list[Object] | None = None, **spec: Any) -> Object:
    made: Object = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": meta(name),
        "spec": dict(spec),
        "status": {"conditions": [condition("Ready", ready)]} if ready else {},
    }
    del made["metadata"]["namespace"]
    if taints:
        made["spec"]["taints"] = taints
    return made


def job(name: str = "work", *, age: float = 60, status: Object | None = None, **spec: Any) -> Object:
    """With the defaults of the server; `status` is that of a Job that has begun."""
    selector = {"batch.kubernetes.io/controller-uid": f"of-{name}"}
    defaults = {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        "selector": {"matchLabels": selector},
        "template": {
            "metadata": {"labels": selector},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "busybox"}]},
        },
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": meta(name, age=age),
        "spec": defaults | spec,
        "status": {"uncountedTerminatedPods": {}, "startTime": rfc3339(NOW - age)} | (status or {}),
    }


def job_pod(
    owner: Object,
    phase: str = "Running",
    *,
    index: int | None = None,
    exit_code: int | None = None,
    ended: float = 0,
    tracked: bool = True,
    annotations: dict[str, str] | None = None,
    **fields: Any,
) -> Object:
    """`ended` in seconds before NOW; `exit_code` of its container, 1 for a failed pod when nothing else is said."""
    notes = {**(annotations or {})} | (
        {} if index is None else {"batch.kubernetes.io/job-completion-index": str(index)}
    )
    labels = owner["spec"]["template"]["metadata"]["labels"]
    running = phase == "Running"
    made = pod(labels=labels, phase=phase, owner=owner, annotations=notes, ready=running, ready_for=ended, **fields)
    made["metadata"]["finalizers"] = ["batch.kubernetes.io/job-tracking"] if tracked else []
    if phase in ("Succeeded", "Failed"):
        code = exit_code if exit_code is not None else int(phase == "Failed")
        terminated = {"exitCode": code, "finishedAt": rfc3339(NOW - ended)}
        made["status"]["containerStatuses"][0]["state"] = {"terminated": terminated}
    return made


def cron_job(name: str = "tick", schedule: str = "*/5 * * * *", *, age: float = 0, **spec: Any) -> Object:
    template = job()["spec"]["template"]["spec"]
    defaults = {
        "schedule": schedule,
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
        "timeZone": "Etc/UTC",
        "jobTemplate": {"metadata": {"labels": {"app": "tick"}}, "spec": {"template": {"spec": template}}},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": meta(name, age=age),
        "spec": defaults | spec,
        "status": {},
    }
