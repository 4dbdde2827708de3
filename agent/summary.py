"""The node's figures as `/stats/summary` of the kubelet. Pure.

The form is Summary of `k8s.io/kubelet/pkg/apis/stats/v1alpha1`, with what is measured here. `windowSeconds` is
ours: over how long `usageNanoCores` is an average.
"""

from __future__ import annotations

from agent.eviction.limits import DiskUse
from agent.network_usage import Interface
from agent.node_figures import FileSystem, NodeFigures, PodFigures, claim_of
from agent.stats import ContainerUsage, NodeUsage, PodUsage, Usage
from orchestrator.api.meta import Object, name, namespace, spec, status, uid
from orchestrator.api.times import rfc3339


def summary(
    node: str, booted_at: float, usage: NodeUsage, figures: NodeFigures | None = None, now: float = 0
) -> Object:
    """`figures` are of `now`; without them it is about CPU and memory alone."""
    time = rfc3339(now)
    own = {"nodeName": node, "startTime": rfc3339(booted_at)} | _figures(usage.machine)
    if figures is not None:
        own |= _node(figures, time)
    return {"node": own, "pods": [_pod(pod, figures, time) for pod in usage.pods]}


def _node(figures: NodeFigures, time: str) -> Object:
    found: Object = {"network": _network(figures.networks, time)}
    if figures.files:
        found["fs"] = _files(figures.files, time)
    if figures.images:
        images = _files(figures.images, time)
        found["runtime"] = {"imageFs": images, "containerFs": images}
    if figures.processes:
        most = figures.processes.capacity
        found["rlimit"] = {"time": time, "maxpid": most, "curproc": most - figures.processes.available}
    return found


def _pod(found: PodUsage, figures: NodeFigures | None, time: str) -> Object:
    pod = found.pod
    made: Object = {
        "podRef": {"name": name(pod), "namespace": namespace(pod), "uid": uid(pod)},
        "startTime": status(pod).get("startTime"),
        "containers": [_container(container) for container in found.containers],
        **_figures(found.total),
    }
    if figures is not None:
        _add(made, found, figures, figures.pods.get(uid(pod), PodFigures()), time)
    return made


def _add(made: Object, found: PodUsage, node: NodeFigures, own: PodFigures, time: str) -> None:
    made["network"] = _network(own.networks, time)
    made["volume"] = _volumes(found.pod, node, own, time)
    made["ephemeral-storage"] = _used(own.storage.total(found.pod), node.files, time)
    processes = [c.usage.sample.details.processes for c in found.containers if c.usage.sample.details]
    if processes:
        made["process_stats"] = {"process_count": sum(filter(None, processes))}
    for container in made["containers"]:
        who = container["name"]
        container["rootfs"] = _used(own.storage.layers.get(who, 0), node.images or node.files, time)
        container["logs"] = _used(own.storage.logs.get(who, 0), node.images or node.files, time)


def _volumes(pod: Object, node: NodeFigures, own: PodFigures, time: str) -> list[Object]:
    found = []
    for volume in spec(pod).get("volumes") or ():
        who = volume["name"]
        if who in own.claims:
            claim = {"name": claim_of(pod, volume), "namespace": namespace(pod)}
            found.append({"name": who, "pvcRef": claim, **_files(own.claims[who], time)})
        elif who in own.storage.volumes:
            use: DiskUse = own.storage.volumes[who]
            found.append({"name": who, **_used(use.size, node.files, time), "inodesUsed": use.inodes})
    return found


def _container(found: ContainerUsage) -> Object:
    return {"name": found.name, "startTime": rfc3339(found.started_at), **_figures(found.usage)}


def _figures(usage: Usage | None) -> Object:
    if usage is None:
        return {}
    time, details = rfc3339(usage.sample.at), usage.sample.details
    cpu: Object = {"time": time, "usageCoreNanoSeconds": usage.sample.cpu_nanoseconds}
    if usage.rate is not None:
        cpu |= {"usageNanoCores": round(usage.rate.cpu * 1e9), "windowSeconds": round(usage.rate.window, 3)}
    memory: Object = {"time": time, "workingSetBytes": usage.sample.memory_working_set}
    found: Object = {"cpu": cpu, "memory": memory}
    if details is not None:
        memory |= {
            "usageBytes": details.memory_usage,
            "rssBytes": details.memory_rss,
            "pageFaults": details.page_faults,
            "majorPageFaults": details.major_page_faults,
        }
        if details.swap is not None:
            found["swap"] = {"time": time, "swapUsageBytes": details.swap}
    return found


def _files(found: FileSystem, time: str) -> Object:
    return {
        "time": time,
        "availableBytes": found.available,
        "capacityBytes": found.capacity,
        "usedBytes": found.used,
        "inodesFree": found.inodes_free,
        "inodes": found.inodes,
        "inodesUsed": found.inodes - found.inodes_free,
    }


def _used(size: int, files: FileSystem | None, time: str) -> Object:
    """A part of a file system."""
    whole = {"availableBytes": files.available, "capacityBytes": files.capacity} if files else {}
    return {"time": time, **whole, "usedBytes": size}


def _network(found: tuple[Interface, ...], time: str) -> Object:
    """The first one is also told as the network itself."""
    each = [
        {
            "name": interface.name,
            "rxBytes": interface.received.bytes,
            "rxErrors": interface.received.errors,
            "txBytes": interface.sent.bytes,
            "txErrors": interface.sent.errors,
        }
        for interface in found
    ]
    return {"time": time, **(each[0] if each else {}), "interfaces": each}
