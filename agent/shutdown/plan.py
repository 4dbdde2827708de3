"""In which order pods end when the machine goes down, and how long each gets. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.verdict import Verdict
from orchestrator.api.meta import Object
from orchestrator.api.pods import is_critical

REASON = "Terminated"
MESSAGE = "Pod was terminated in response to imminent node shutdown."


@dataclass(frozen=True, slots=True)
class Wave:
    """Pods that end side by side, within `seconds`."""

    pods: tuple[Object, ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        return Verdict(REASON, MESSAGE, int(self.seconds))


def waves(pods: Iterable[Object], period: float, critical: float) -> list[Wave]:
    """`period` in seconds is for all; `critical`, a part of it, for the pods that others may need to end well. When
    there is less time than was asked for, the critical ones keep theirs as far as it goes."""
    found = list(pods)
    last = min(critical, period)
    ordinary = Wave(tuple(pod for pod in found if not is_critical(pod)), period - last)
    return [wave for wave in (ordinary, Wave(tuple(filter(is_critical, found)), last)) if wave.pods]
