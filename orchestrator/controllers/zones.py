"""How fast pods may be evicted from nodes that are not well, zone by zone. Pure.

Many nodes of a zone that fail together point to its network, or to the observer's, rather than to the nodes; so the
more there are, the slower it goes. Rules and numbers are those of
`k8s.io/kubernetes/pkg/controller/nodelifecycle`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from orchestrator.api.meta import Object, labels

#: Nodes a second in a zone; and in one that is large, of which most nodes are not well.
EVICTION_RATE, SECONDARY_RATE = 0.1, 0.01
#: A zone with more nodes is large.
_LARGE = 50
#: So great a part is most of them, when there are more than so many.
_MOST, _FEW = 0.55, 2


def zone_of(node: Object) -> str:
    """ "" where the node does not say."""
    named = (labels(node).get(f"topology.kubernetes.io/{part}") or "" for part in ("region", "zone"))
    return ":".join(named).strip(":")


def rates(nodes: Iterable[tuple[str, bool]]) -> dict[str, float]:
    """Of each node its zone, and whether it is well -> nodes a second for each zone. When no node is well anywhere,
    pods stay where they are: there is no better place."""
    well: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for zone, is_well in nodes:
        total[zone] += 1
        well[zone] += is_well
    if not any(well.values()):
        return dict.fromkeys(total, 0.0)
    return {zone: _rate(total[zone], well[zone]) for zone in total}


def _rate(total: int, well: int) -> float:
    failed = total - well
    if well and failed > _FEW and failed / total >= _MOST:
        return SECONDARY_RATE if total > _LARGE else 0.0
    # Of a zone that is down as a whole the pods leave for the others.
    return EVICTION_RATE


class Evictions:
    """Counts nodes whose pods have to leave. `now` is in monotonic seconds. For one thread."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def wait(self, zone: str, rates: Mapping[str, float], now: float) -> float | None:
        """Seconds until it is another node's turn, or None while it is none's."""
        rate = rates.get(zone, 0.0)
        if not rate:
            return None
        last = self._last.get(zone)
        return 0.0 if last is None else max(0.0, last + 1 / rate - now)

    def began(self, zone: str, now: float) -> None:
        """A node's turn was taken."""
        self._last[zone] = now
