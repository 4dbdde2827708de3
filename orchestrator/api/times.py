"""Times as the API writes them. Seconds since the epoch (float) inside, RFC 3339 in UTC outside."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")


def rfc3339(seconds: float) -> str:
    """`metav1.Time`: whole seconds, `2026-01-31T10:00:00Z`."""
    return _rfc3339(int(seconds))


@lru_cache(maxsize=256)
def _rfc3339(seconds: int) -> str:
    """One write of an object writes the same second many times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(seconds: float) -> str:
    """`metav1.MicroTime`: microseconds, as leases and events carry."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time; nanoseconds (Docker's) are cut to microseconds.

    Raises ValueError when `text` is no such time.
    """
    head, dot, fraction = text.partition(".")
    if dot:
        digits = len(fraction) - len(fraction.lstrip("0123456789"))
        text = f"{head}.{fraction[:digits][:6].ljust(6, '0')}{fraction[digits:]}"
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return moment.timestamp()


def duration(seconds: float) -> str:
    """As Go prints a `metav1.Duration`, to the millisecond: `15.012s`, `1m0s`, `2h0m0.5s`."""
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def duration_seconds(text: str) -> float:
    """A duration as Go writes it: `15.012s`, `-1h30m`. Whether `text` is one is for the caller to check."""
    amount = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return -amount if text.startswith("-") else amount


def age(seconds: float) -> str:
    """A duration as kubectl's tables show it: `5s`, `3m12s`, `47h`, `12d`, `2y10d`."""
    s = int(seconds)
    if s < 0:
        return "0s" if s >= -2 else "<invalid>"
    minutes, hours, days = s // 60, s // 3600, s // 86400
    if s < 120:
        return f"{s}s"
    if minutes < 10:
        return f"{minutes}m{s % 60}s" if s % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    years = days // 365
    if years < 8:
        return f"{years}y{days % 365}d" if days % 365 else f"{years}y"
    return f"{years}y"
