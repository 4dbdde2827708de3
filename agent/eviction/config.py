"""What is set about eviction, in the notation of the kubelet's flags. Pure.

eviction_hard                 memory.available<100Mi,nodefs.available<10%
eviction_soft                 memory.available<500Mi
eviction_soft_grace_period    memory.available=1m30s
eviction_minimum_reclaim      nodefs.available=500Mi
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agent.eviction.signals import CONDITIONS
from orchestrator.api.quantity import integer
from orchestrator.util.settings import Settings, SettingsError

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Amount:
    """As it was written: a quantity, or a share of the whole (`10%`)."""

    text: str

    def of(self, capacity: int) -> int:
        if self.text.endswith("%"):
            return int(capacity * float(self.text[:-1]) / 100)
        return integer(self.text)


@dataclass(frozen=True, slots=True)
class Threshold:
    """Less than `value` is too little. `grace` in seconds is how long that may last (0: a hard threshold); `reclaim`
    how much more there must be until it is over."""

    signal: str
    value: Amount
    grace: float = 0.0
    reclaim: Amount = Amount("0")

    @property
    def hard(self) -> bool:
        return not self.grace


@dataclass(frozen=True, slots=True)
class EvictionConfig:
    """Times in seconds. `transition` is how long a condition stays after it was last seen; `longest_grace` the most
    that a pod gets when a soft threshold is met."""

    thresholds: tuple[Threshold, ...] = ()
    transition: float = 0.0
    longest_grace: int = 0

    def hard_limit(self, signal: str, capacity: int) -> int:
        """What pods can never have of it, because some would be evicted before."""
        return max((t.value.of(capacity) for t in self.thresholds if t.hard and t.signal == signal), default=0)


def eviction_config(settings: Settings) -> EvictionConfig:
    """Raises SettingsError."""
    reclaims = dict(_pairs("eviction_minimum_reclaim", settings.eviction_minimum_reclaim, "="))
    graces = dict(_pairs("eviction_soft_grace_period", settings.eviction_soft_grace_period, "="))
    least = {signal: _amount("eviction_minimum_reclaim", text) for signal, text in reclaims.items()}
    found = [
        Threshold(signal, _amount("eviction_hard", text), reclaim=least.get(signal, Amount("0")))
        for signal, text in _pairs("eviction_hard", settings.eviction_hard, "<")
    ]
    for signal, text in _pairs("eviction_soft", settings.eviction_soft, "<"):
        if signal not in graces:
            raise SettingsError(f"eviction_soft_grace_period must say how long {signal} may be short: {signal}=1m30s")
        grace = _seconds(graces[signal])
        found.append(Threshold(signal, _amount("eviction_soft", text), grace, least.get(signal, Amount("0"))))
    return EvictionConfig(
        tuple(found), settings.eviction_pressure_transition_period, settings.eviction_max_pod_grace_period
    )


def _pairs(setting: str, text: str, sign: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, text.split(",") if text != _NONE else ()):
        signal, found, value = part.partition(sign)
        if not found or signal not in CONDITIONS:
            raise SettingsError(
                f"{setting} has {part!r}: write SIGNAL{sign}VALUE with one of {', '.join(CONDITIONS)}, or {_NONE!r}"
            )
        yield signal, value


def _amount(setting: str, text: str) -> Amount:
    try:
        amount = Amount(text)
        fits = amount.of(100) >= 0 and (not text.endswith("%") or amount.of(100) <= 100)
    except ValueError:
        fits = False
    if not fits:
        raise SettingsError(f"{setting} has {text!r}: write a quantity (500Mi) or a share of the whole (10%)")
    return amount


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text)
    hours, minutes, seconds = match.groups(default="0") if match else ("0", "0", "0")
    total = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    if not total:
        raise SettingsError(f"eviction_soft_grace_period has {text!r}: write a duration that is not 0 (1m30s)")
    return total
