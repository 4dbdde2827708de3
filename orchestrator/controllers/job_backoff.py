"""How long a Job waits before it replaces failed pods: 10 s, doubled with each failure in a row, 10 minutes at most.

Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.api.meta import Object
from orchestrator.controllers.job_pods import all_index_failures, finished_at

#: Seconds.
FIRST, LONGEST = 10.0, 600.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """How many pods failed since the last one that succeeded, and when the last of them did."""

    failures: int = 0
    last_failure: float = 0.0

    def after(self, succeeded: Sequence[Object], failed: Sequence[Object]) -> Backoff:
        """With the pods that have newly ended."""
        failures = sorted(map(finished_at, failed))
        if succeeded:
            last_success = max(map(finished_at, succeeded))
            failures = [moment for moment in failures if moment > last_success]
            return Backoff(len(failures), failures[-1] if failures else 0.0)
        return Backoff(self.failures + len(failures), failures[-1]) if failures else self

    def remaining(self, now: float) -> float:
        """Seconds until pods may be made again; 0 at once."""
        return _remaining(self.failures, self.last_failure, now)


def remaining_of_index(last_failed: Object | None, now: float) -> float:
    """... of one index, whose last pod counts the failures before it in its annotations."""
    if last_failed is None:
        return 0.0
    return _remaining(all_index_failures(last_failed) + 1, finished_at(last_failed), now)


def _remaining(failures: int, last_failure: float, now: float) -> float:
    if failures == 0:
        return 0.0
    delay = min(LONGEST, FIRST * 2.0 ** min(failures - 1, 30))
    # A clock that was set back must not make the wait longer than the delay.
    return min(delay, max(0.0, delay - (now - last_failure)))
