"""A container's postStart and preStop hooks."""

from __future__ import annotations

import threading

from agent.check import Exec, check
from agent.podspec import LEAST_GRACE
from agent.probes import Probe
from orchestrator.api.meta import Object
from orchestrator.util.clock import Clock

#: Seconds a postStart hook may take; Kubernetes sets it no limit, but somebody has to wait for it.
LONGEST_START = 600.0


def hook_of(container: Object, name: str) -> Object | None:
    """`name` is postStart or preStop."""
    return (container.get("lifecycle") or {}).get(name)


def run_hook(
    hook: Object, container: Object, ip: str, execute: Exec, timeout: float, clock: Clock, end: threading.Event
) -> str:
    """Run it, for `timeout` seconds at most; `end` is set when the container ends.

    Returns what went wrong, "" for nothing.
    """
    if "sleep" in hook:
        clock.wait(end, min(float(hook["sleep"]["seconds"]), timeout))
        return ""
    if "tcpSocket" in hook:
        return "invalid handler: a hook cannot be a tcpSocket, use exec, httpGet or sleep"
    outcome = check(Probe("liveness", hook, timeout=timeout), container, ip, execute)
    return "" if outcome.ok else outcome.message or "it failed"


def grace_after(grace: float, used: float) -> float:
    """What is left of the grace period for the container itself."""
    return max(LEAST_GRACE, grace - used) if used else grace
