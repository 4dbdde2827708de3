"""Probes and lifecycle hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from orchestrator.api import names
from orchestrator.api.checks import PORTS, Errors, not_negative, obeys, one_of, present, within
from orchestrator.api.errors import forbidden, invalid, not_supported, required
from orchestrator.api.meta import Object

#: The rules of what a handler does: (action, path).
Action = Callable[[Object, str], Errors]

_SECONDS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
#: Of Linux.
STOP_SIGNALS = (
    *("SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO"),
    *("SIGIOT", "SIGKILL", "SIGPIPE", "SIGPOLL", "SIGPROF", "SIGPWR", "SIGQUIT", "SIGSEGV", "SIGSTKFLT", "SIGSTOP"),
    *("SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM"),
    *("SIGWINCH", "SIGXCPU", "SIGXFSZ", "SIGRTMIN", *(f"SIGRTMIN+{number}" for number in range(1, 16))),
    *(*(f"SIGRTMAX-{number}" for number in range(14, 0, -1)), "SIGRTMAX"),
)
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def probes(container: Object, field: str) -> Errors:
    for kind in PROBES:
        if kind in container:
            yield from _probe(kind, container[kind], f"{field}.{kind}")


def lifecycle(hooks: Object, grace: int, system: str, field: str) -> Errors:
    """`grace` is the pod's termination grace period in seconds, `system` its `os.name`."""
    if "stopSignal" in hooks:
        yield from _stop_signal(hooks["stopSignal"], system, f"{field}.stopSignal")
    actions: Mapping[str, Action] = {**_ACTIONS, "sleep": partial(_sleep, grace)}
    for hook in ("postStart", "preStop"):
        if hook in hooks:
            yield from _handler(hooks[hook], actions, f"{field}.{hook}")


def port(value: Any, field: str) -> Errors:
    """A port by its number or by its name."""
    if isinstance(value, str):
        yield from obeys(field, value, names.port_name)
    else:
        yield from within(field, value or 0, *PORTS)


def _stop_signal(signal: str, system: str, field: str) -> Errors:
    if not system:
        yield forbidden(field, "may not be set for containers with empty `spec.os.name`")
    elif signal not in STOP_SIGNALS:
        yield not_supported(field, signal, STOP_SIGNALS)


def _probe(kind: str, probe: Object, field: str) -> Errors:
    yield from _handler(probe, _PROBE_ACTIONS, field)
    yield from not_negative(probe, field, *_SECONDS)
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        yield invalid(f"{field}.terminationGracePeriodSeconds", grace, "must be greater than 0")
    if kind == "readinessProbe":
        if grace is not None:
            yield invalid(f"{field}.terminationGracePeriodSeconds", grace, "must not be set for readinessProbes")
    elif probe.get("successThreshold") != 1:
        yield invalid(f"{field}.successThreshold", probe.get("successThreshold"), "must be 1")


def _handler(handler: Object, actions: Mapping[str, Action], field: str) -> Errors:
    given = [action for action in actions if action in handler]
    if not given:
        yield required(field, "must specify a handler type")
        return
    yield from actions[given[0]](handler[given[0]], f"{field}.{given[0]}")
    yield from (forbidden(f"{field}.{action}", "may not specify more than 1 handler type") for action in given[1:])


def _exec(action: Object, field: str) -> Errors:
    yield from present(f"{field}.command", action.get("command"))


def _http_get(action: Object, field: str) -> Errors:
    yield from present(f"{field}.path", action.get("path"))
    yield from port(action.get("port"), f"{field}.port")
    yield from one_of(f"{field}.scheme", action.get("scheme"), ("HTTP", "HTTPS"))
    for header in action.get("httpHeaders") or []:
        name = header.get("name") or ""
        yield from obeys(f"{field}.httpHeaders", name, names.header_name)


def _port_only(action: Object, field: str) -> Errors:
    yield from port(action.get("port"), f"{field}.port")


def _sleep(grace: int, action: Object, field: str) -> Errors:
    seconds = action.get("seconds") or 0
    if not 0 <= seconds <= grace:
        yield invalid(field, seconds, f"must be non-negative and less than terminationGracePeriodSeconds ({grace})")


_ACTIONS: Mapping[str, Action] = {"exec": _exec, "httpGet": _http_get, "tcpSocket": _port_only}
_PROBE_ACTIONS: Mapping[str, Action] = {**_ACTIONS, "grpc": _port_only}
