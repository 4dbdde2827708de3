"""The row of a pod, as `kubectl get pods` shows it.

The status' logic is that of `printPod` in `k8s.io/kubernetes/pkg/printers/internalversion/printers.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.api import pods
from orchestrator.api.meta import Object, condition, is_deleting, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, age_of, created, or_none, wide
from orchestrator.api.times import parse

COLUMNS = (
    NAME,
    Column("Ready", description="The containers that are ready, of all that keep running."),
    Column("Status", description="The phase, or the reason why the pod is not where it should be."),
    Column("Restarts", description="How often containers were restarted, and when last."),
    AGE,
    wide("IP"),
    wide("Node"),
    wide("Nominated Node"),
    wide("Readiness Gates"),
)
#: The pod's reason when its node is gone.
_NODE_LOST = "NodeLost"


def row(pod: Object, now: float) -> Sequence[Cell]:
    summary = summarize(pod)
    return (
        name(pod),
        f"{summary.ready}/{_long_running(pod)}",
        summary.reason,
        _restarts(summary, now),
        created(pod, now),
        or_none(_ip(pod)),
        or_none(spec(pod).get("nodeName")),
        or_none(status(pod).get("nominatedNodeName")),
        _readiness_gates(pod),
    )


@dataclass(slots=True)
class Summary:
    """`last_restart` is the RFC 3339 time at which the last restarted container had ended, or ""."""

    reason: str = ""
    ready: int = 0
    restarts: int = 0
    last_restart: str = ""

    def count(self, container: Object) -> None:
        self.restarts += int(container.get("restartCount") or 0)
        ended = ((container.get("lastState") or {}).get("terminated") or {}).get("finishedAt") or ""
        if ended and (not self.last_restart or parse(ended) > parse(self.last_restart)):
            self.last_restart = ended


def summarize(pod: Object) -> Summary:
    summary = Summary(reason=status(pod).get("reason") or pods.phase(pod) or "Unknown")
    if (condition(pod, "PodScheduled") or {}).get("reason") == "SchedulingGated":
        summary.reason = "SchedulingGated"
    sidecars = {str(c.get("name")) for c in pods.init_containers(pod) if pods.is_sidecar(c)}
    initializing = _initialize(pod, sidecars, summary)
    if not initializing or (condition(pod, "Initialized") or {}).get("status") == "True":
        _run(pod, sidecars, summary)
    if is_deleting(pod):
        if status(pod).get("reason") == _NODE_LOST:
            summary.reason = "Unknown"
        elif not pods.is_terminal(pod):
            summary.reason = "Terminating"
    return summary


def _initialize(pod: Object, sidecars: set[str], summary: Summary) -> bool:
    """Account for the init containers; True when one of them has not done its part yet."""
    total = len(pods.init_containers(pod))
    for index, container in enumerate(status(pod).get("initContainerStatuses") or []):
        summary.count(container)
        state = container.get("state") or {}
        ended, waits_for = state.get("terminated"), (state.get("waiting") or {}).get("reason")
        if ended is not None and not ended.get("exitCode"):
            continue
        if container.get("name") in sidecars and container.get("started"):
            summary.ready += bool(container.get("ready"))
            continue
        if ended is not None:
            summary.reason = f"Init:{_why_ended(ended)}"
        elif waits_for and waits_for != "PodInitializing":
            summary.reason = f"Init:{waits_for}"
        else:
            summary.reason = f"Init:{index}/{total}"
        return True
    return False


def _run(pod: Object, sidecars: set[str], summary: Summary) -> None:
    """Account for the containers; from here on only sidecars count of the init containers."""
    summary.restarts, summary.last_restart = 0, ""
    for container in status(pod).get("initContainerStatuses") or []:
        if container.get("name") in sidecars:
            summary.count(container)
    running = False
    for container in reversed(status(pod).get("containerStatuses") or []):
        summary.count(container)
        state = container.get("state") or {}
        if waits_for := (state.get("waiting") or {}).get("reason"):
            summary.reason = waits_for
        elif (ended := state.get("terminated")) is not None:
            summary.reason = _why_ended(ended)
        elif container.get("ready") and state.get("running") is not None:
            running = True
            summary.ready += 1
    if summary.reason == "Completed" and running:
        summary.reason = "Running" if pods.is_ready(pod) else "NotReady"


def _why_ended(terminated: Object) -> str:
    if reason := terminated.get("reason"):
        return str(reason)
    if signal := terminated.get("signal"):
        return f"Signal:{signal}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


def _long_running(pod: Object) -> int:
    return len(pods.containers(pod)) + sum(pods.is_sidecar(c) for c in pods.init_containers(pod))


def _restarts(summary: Summary, now: float) -> str:
    if summary.restarts and summary.last_restart:
        return f"{summary.restarts} ({age_of(summary.last_restart, now)} ago)"
    return str(summary.restarts)


def _ip(pod: Object) -> str:
    addresses: Iterable[Object] = status(pod).get("podIPs") or [{"ip": status(pod).get("podIP")}]
    return next((str(address["ip"]) for address in addresses if address.get("ip")), "")


def _readiness_gates(pod: Object) -> str:
    gates = spec(pod).get("readinessGates") or []
    if not gates:
        return "<none>"
    true = sum((condition(pod, gate.get("conditionType", "")) or {}).get("status") == "True" for gate in gates)
    return f"{true}/{len(gates)}"
