"""The node's figures as `/stats/summary` of the kubelet. Pure.

The form is Summary of `k8s.io/kubelet/pkg/apis/stats/v1alpha1`, with what is measured here. `windowSeconds` is
ours: over how long `usageNanoCores` is an average.
"""

from __future__ import annotations

from agent.stats import ContainerUsage, NodeUsage, PodUsage, Usage
from orchestrator.api.meta import Object, name, namespace, status, uid
from orchestrator.api.times import rfc3339


def summary(node: str, booted_at: float, usage: NodeUsage) -> Object:
    return {
        "node": {"nodeName": node, "startTime": rfc3339(booted_at)} | _figures(usage.machine),
        "pods": [_pod(pod) for pod in usage.pods],
    }


def _pod(found: PodUsage) -> Object:
    pod = found.pod
    return {
        "podRef": {"name": name(pod), "namespace": namespace(pod), "uid": uid(pod)},
        "startTime": status(pod).get("startTime"),
        "containers": [_container(container) for container in found.containers],
        **_figures(found.total),
    }


def _container(found: ContainerUsage) -> Object:
    return {"name": found.name, "startTime": rfc3339(found.started_at), **_figures(found.usage)}


def _figures(usage: Usage | None) -> Object:
    if usage is None:
        return {}
    time = rfc3339(usage.sample.at)
    cpu: Object = {"time": time, "usageCoreNanoSeconds": usage.sample.cpu_nanoseconds}
    if usage.rate is not None:
        cpu |= {"usageNanoCores": round(usage.rate.cpu * 1e9), "windowSeconds": round(usage.rate.window, 3)}
    return {"cpu": cpu, "memory": {"time": time, "workingSetBytes": usage.sample.memory_working_set}}
