"""Readiness, liveness and startup probes: when they are due and what their results mean. Pure.

`check` does one, `prober` schedules them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.api.meta import Object

ProbeKind = Literal["startup", "liveness", "readiness"]
KINDS: tuple[ProbeKind, ...] = ("startup", "liveness", "readiness")

#: Seconds before the first retry of a readiness or startup probe that found nobody listening yet; it doubles.
#: Kubernetes waits a whole period; a container that needs 30 ms to listen need not be unready for 10 s.
FIRST_RETRY = 0.05


@dataclass(frozen=True, slots=True)
class Probe:
    """`handler` is the probe as in the spec (`httpGet`, `tcpSocket`, `grpc` or `exec`); times are seconds."""

    kind: ProbeKind
    handler: Object
    initial_delay: float = 0.0
    period: float = 10.0
    timeout: float = 1.0
    success_threshold: int = 1
    failure_threshold: int = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one check. `refused`: nobody listens (yet); `errored`: it could not be made, and says nothing;
    `warning`: what is to be told of a success."""

    ok: bool
    message: str = ""
    refused: bool = False
    errored: bool = False
    warning: str = ""


@dataclass(frozen=True, slots=True)
class ProbeState:
    """`passing` is what others are told; None until there is something to tell."""

    passing: bool | None = None
    successes: int = 0
    failures: int = 0


def probes_of(container: Object) -> Iterator[Probe]:
    for kind in KINDS:
        spec = container.get(f"{kind}Probe")
        if spec:
            yield Probe(
                kind,
                spec,
                float(spec.get("initialDelaySeconds") or 0),
                float(spec.get("periodSeconds") or 10),
                float(spec.get("timeoutSeconds") or 1),
                int(spec.get("successThreshold") or 1),
                int(spec.get("failureThreshold") or 3),
            )


def record(probe: Probe, state: ProbeState, ok: bool) -> ProbeState:
    """The state after one more result: it turns only when a threshold of equal results in a row is reached."""
    successes, failures = (state.successes + 1, 0) if ok else (0, state.failures + 1)
    passing = state.passing
    if successes >= probe.success_threshold:
        passing = True
    elif failures >= probe.failure_threshold:
        passing = False
    return replace(state, passing=passing, successes=successes, failures=failures)


def next_due(probe: Probe, due: float, now: float) -> float:
    """The first point of the probe's time grid (`due` is one) after `now`: late probes are left out, never queued."""
    missed = max(0, int((now - due) // probe.period))
    return due + (missed + 1) * probe.period


def early_retry(probe: Probe, state: ProbeState, outcome: Outcome, since_first: float) -> float | None:
    """Seconds until an uncounted second try, or None: only while nobody listens yet, within the first period."""
    if not outcome.refused or probe.kind == "liveness" or state != ProbeState():
        return None
    wait = max(FIRST_RETRY, since_first)
    return wait if since_first + wait < probe.period else None
