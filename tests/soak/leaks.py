"""Whether counts taken between rounds of churn tell of a leak (pure)."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping, Sequence

#: What was counted after each round, by name: `containers`, `agent threads`, `master MiB` ...
Census = Mapping[str, float]

#: How much a count may differ from what it was after the first round, by the last word of its name. What is not named
#: here must be the same: containers, volumes, mounts ... of pods that are gone. Threads end after some idle seconds,
#: connections stay open for the next request.
SLACK = {"threads": 4.0, "descriptors": 6.0}
#: MiB by which a process may grow over the whole run. Allocators give back late: only a steady rise is a leak.
GROWTH = 16.0


def leaks(rounds: Sequence[Census]) -> list[str]:
    """A sentence for each count that leaks. The first round is the measure: it has loaded and cached what there is."""
    first, last = rounds[0], rounds[-1]
    found = []
    for name in first:
        values = [census[name] for census in rounds]
        if name.endswith("MiB"):
            if (grown := slope(values) * (len(values) - 1)) > GROWTH and last[name] - first[name] > GROWTH:
                found.append(f"{name}: {_listed(values)}, a rise of {grown:.1f} MiB (allowed: {GROWTH:g})")
        elif last[name] > first[name] + SLACK.get(name.split()[-1], 0.0):
            found.append(f"{name}: {_listed(values)}, more than after the first round")
    return found


def slope(values: Sequence[float]) -> float:
    """The rise from one value to the next: the middle of the slopes between all pairs (Theil and Sen)."""
    pairs = itertools.combinations(enumerate(values), 2)
    return statistics.median((b - a) / (j - i) for (i, a), (j, b) in pairs) if len(values) > 1 else 0.0


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
