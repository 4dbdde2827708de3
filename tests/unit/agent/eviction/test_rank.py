"""Which pod goes first, and what it is told."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.eviction.config import Amount, Threshold
from agent.eviction.rank import PodUse, message, rank
from agent.eviction.signals import MEMORY, NODE_DISK, PIDS, Observation
from orchestrator.api.meta import Object, name
from tests.fakes.pods import container, pod

MIB = 1 << 20


def use(who: str, used: int, request: str = "", priority: int = 0, resource: str = "memory") -> PodUse:
    requests = {"resources": {"requests": {resource: request}}} if request else {}
    return PodUse(pod(who, container(**requests), priority=priority), used, {"app": used})


def order(resource: str, *uses: PodUse) -> list[str]:
    return [name(found.pod) for found in rank(uses, resource)]


def test_those_over_their_request_go_first_then_by_priority_then_by_excess() -> None:
    assert order(
        "memory",
        use("within", 900 * MIB, "1Gi"),
        use("important", 800 * MIB, "", priority=10),
        use("small", 10 * MIB),
        use("burst", 700 * MIB, "600Mi"),
        use("large", 300 * MIB),
    ) == ["large", "burst", "small", "important", "within"]


def test_of_processes_nobody_requested_any() -> None:
    assert order("pids", use("few", 3), use("many", 900), use("vip", 2000, priority=5)) == ["many", "few", "vip"]


def test_critical_pods_stay() -> None:
    mirror = use("static", 900 * MIB)
    mirror.pod["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    assert order("memory", use("critical", 900 * MIB, priority=2_000_000_000), mirror, use("web", 1)) == ["web"]


@given(
    st.lists(
        st.builds(
            use,
            st.just("x"),
            st.integers(0, 2000),
            st.sampled_from(["", "100", "1000"]),
            st.integers(0, 3),
        ),
        max_size=12,
    )
)
def test_nobody_within_its_request_goes_before_one_over_it(uses: list[PodUse]) -> None:
    found = rank(uses, "memory")
    over = [u.total > int(_request(u.pod)) for u in found]
    assert over == sorted(over, reverse=True)
    assert len(found) == len(uses)


def _request(of: Object) -> str:
    resources: Object = of["spec"]["containers"][0].get("resources") or {"requests": {}}
    return str(resources["requests"].get("memory", 0))


def test_the_message_names_threshold_rest_and_containers() -> None:
    found = {MEMORY: Observation(90 * MIB, 8 << 30)}
    text = message(use("web", 300 * MIB, "200Mi"), Threshold(MEMORY, Amount("100Mi")), found)
    assert text == (
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. "
        "Container app was using 300Mi, request is 200Mi, has larger consumption of memory. "
    )
    within = message(use("web", 100 * MIB, "200Mi"), Threshold(MEMORY, Amount("100Mi")), found)
    assert within == "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. "


def test_a_share_is_told_as_what_it_comes_to() -> None:
    found = {NODE_DISK: Observation(1 << 30, 100 << 30)}
    text = message(use("web", 5), Threshold(NODE_DISK, Amount("10%")), found)
    assert text.startswith(
        "The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 1Gi. "
    )
    assert "Container app was using 5, request is 0, has larger consumption of ephemeral-storage. " in text
    pids = message(use("web", 5), Threshold(PIDS, Amount("10")), {PIDS: Observation(4, 100)})
    assert pids == "The node was low on resource: pids. Threshold quantity: 10, available: 4. "
