"""`metrics.k8s.io`: what nodes and pods use, made of the agents' summaries when it is asked for.

Kubernetes leaves it to metrics-server, whose rules these are: what is not measured (yet) is missing, and a pod is, too,
when one of its containers is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import orjson

from orchestrator.api.errors import not_found
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.groups.metrics import METRICS_GROUP, NODE_METRICS, POD_METRICS
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, labels, name, namespace, spec, uid
from orchestrator.api.pods import phase
from orchestrator.api.quantity import format_binary, format_nano
from orchestrator.api.request import Request, User
from orchestrator.api.times import duration, rfc3339
from orchestrator.server import keys
from orchestrator.server.backend import Backend
from orchestrator.server.results import Listing, Single
from orchestrator.server.selection import selection
from orchestrator.store.base import Entry

#: (backend, nodes or pods) -> the metrics of those that have any, in their order.
Measure = Callable[[Backend, list[Object]], list[Object]]


def node_metrics(node: Object, summary: Object, now: float) -> Object | None:
    """None before the node was measured twice."""
    usage = _usage([summary["node"]])
    return None if usage is None else _metrics(NODE_METRICS, node, now) | usage[0] | {"usage": usage[1][0]}


def pod_metrics(pod: Object, stats: Object, now: float) -> Object | None:
    """`stats` is the pod's part of its node's summary. None when a container has no figures yet."""
    measured: list[Object] = stats["containers"]
    usage = _usage(measured)
    if usage is None:
        return None
    named = zip(measured, usage[1], strict=True)
    containers = [{"name": container["name"], "usage": used} for container, used in named]
    return _metrics(POD_METRICS, pod, now) | usage[0] | {"containers": containers}


def _metrics(kind: Kind, about: Object, now: float) -> Object:
    meta: Object = {"name": name(about), "creationTimestamp": rfc3339(now)}
    if kind.namespaced:
        meta["namespace"] = namespace(about)
    if labels(about):
        meta["labels"] = labels(about)
    return {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta}


def _usage(measured: list[Object]) -> tuple[Object, list[Object]] | None:
    """Timestamp and window, as of what was measured first; and the usage of each. None where there is a gap."""
    if not measured or any("usageNanoCores" not in figures.get("cpu", {}) for figures in measured):
        return None
    first = min((figures["cpu"] for figures in measured), key=lambda cpu: str(cpu["time"]))
    when = {"timestamp": first["time"], "window": duration(first["windowSeconds"])}
    return when, [
        {
            "cpu": format_nano(figures["cpu"]["usageNanoCores"]),
            "memory": format_binary(figures["memory"]["workingSetBytes"]),
        }
        for figures in measured
    ]


def _measure_nodes(backend: Backend, nodes: list[Object]) -> list[Object]:
    summaries, now = backend.summaries(nodes), backend.clock.now()
    found = (node_metrics(node, summaries[name(node)], now) for node in nodes if name(node) in summaries)
    return [metrics for metrics in found if metrics is not None]


def _measure_pods(backend: Backend, pods: list[Object]) -> list[Object]:
    running = [pod for pod in pods if phase(pod) == "Running"]
    wanted = {spec(pod).get("nodeName") for pod in running}
    nodes = [node for node in _stored(backend, NODE) if name(node) in wanted]
    summaries = backend.summaries(nodes).values()
    by_uid = {stats["podRef"]["uid"]: stats for summary in summaries for stats in summary["pods"]}
    now = backend.clock.now()
    found = (pod_metrics(pod, by_uid[uid(pod)], now) for pod in running if uid(pod) in by_uid)
    return [metrics for metrics in found if metrics is not None]


_SOURCES: dict[Kind, tuple[Kind, Measure]] = {
    NODE_METRICS: (NODE, _measure_nodes),
    POD_METRICS: (POD, _measure_pods),
}


def list_metrics(backend: Backend, request: Request, _user: User) -> Listing:
    """Of the nodes or pods that the selectors choose. Raises BadRequest."""
    source, measure = _SOURCES[request.kind]
    chosen = selection(request.kind, request.options)
    about = [obj for obj in _stored(backend, source, request.namespace) if chosen.matches(obj)]
    return Listing(request.kind, [_entry(request.kind, obj) for obj in measure(backend, about)], 0)


def get_metrics(backend: Backend, request: Request, _user: User) -> Single:
    """Raises NotFound, also for a node or a pod without figures."""
    source, measure = _SOURCES[request.kind]
    about = backend.entry(source, request.namespace, request.name).object()
    measured = measure(backend, [about])
    if not measured:
        where = f"{request.namespace}/" if request.kind.namespaced else ""
        raise not_found(METRICS_GROUP, request.kind.singular, f"{where}{request.name}")
    return Single(orjson.dumps(measured[0]))


def _stored(backend: Backend, kind: Kind, namespace: str = "") -> Iterable[Object]:
    return (entry.object() for entry in backend.store.list(keys.prefix(kind, namespace)).entries)


def _entry(kind: Kind, obj: Object) -> Entry:
    return Entry(keys.key(kind, namespace(obj), name(obj)), 0, orjson.dumps(obj))
