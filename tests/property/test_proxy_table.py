"""What holds for every table and every sequence of connections."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from agent.proxy.balance import Balancer
from agent.proxy.table import Backend, Frontend, Route, Table, diff, routes
from orchestrator.api.meta import Key
from tests.fakes.services import endpoint, endpoint_slice, service

backends = st.builds(Backend, st.integers(2, 9).map("172.17.0.{}".format), st.sampled_from([80, 8080]))
backend_sets = st.frozensets(backends, max_size=8).map(lambda found: tuple(sorted(found)))
frontends = st.builds(
    Frontend, st.integers(1, 5).map("10.96.0.{}".format), st.sampled_from([80, 443]), st.sampled_from(["TCP", "UDP"])
)
table_routes = st.builds(Route, st.sampled_from([Key("default/a"), Key("default/b")]), backend_sets, st.just(0))
tables = st.dictionaries(frontends, table_routes, max_size=6)


@given(tables, tables)
def test_a_diff_applied_to_the_old_table_gives_the_new(old: Table, new: Table) -> None:
    change = diff(old, new)
    kept = {front: route for front, route in old.items() if front not in change.closed}
    assert {**kept, **change.changed, **change.opened} == new
    assert not change.opened.keys() & old.keys()
    assert change.changed.keys() <= old.keys() & new.keys()
    still = {backend for route in new.values() for backend in route.backends}
    assert not change.gone & still


@given(backend_sets.filter(bool), st.integers(0, 60), st.integers())
def test_every_backend_gets_its_fair_share(targets: tuple[Backend, ...], connections: int, seed: int) -> None:
    balancer = Balancer(Route(Key("default/web"), targets), random.Random(seed))
    shares = Counter(balancer.choose("client", (), 0) for _ in range(connections))
    assert set(shares) <= set(targets)
    counts = [shares[backend] for backend in targets]
    assert max(counts) - min(counts) <= 1


@given(st.lists(st.tuples(backend_sets, st.integers(0, 12)), max_size=6), st.sampled_from([0.0, 60.0]), st.integers())
def test_no_connection_goes_to_a_removed_backend(
    changes: list[tuple[tuple[Backend, ...], int]], affinity: float, seed: int
) -> None:
    balancer = Balancer(Route(Key("default/web"), (), affinity), random.Random(seed))
    for targets, connections in changes:
        balancer.update(Route(Key("default/web"), targets, affinity))
        for number in range(connections):
            backend = balancer.choose(f"192.0.2.{number % 3}", (), 0)
            assert backend in targets if targets else backend is None


@given(backend_sets, st.sampled_from([0.0, 60.0]))
def test_every_backend_is_tried_once_before_giving_up(targets: tuple[Backend, ...], affinity: float) -> None:
    balancer = Balancer(Route(Key("default/web"), targets, affinity), random.Random(0))
    tried: list[Backend] = []
    while (backend := balancer.choose("client", tried, 0)) is not None:
        tried.append(backend)
    assert sorted(tried) == list(targets)


conditions = st.fixed_dictionaries(
    {}, optional={"ready": st.booleans(), "serving": st.booleans(), "terminating": st.booleans()}
)


@given(st.dictionaries(st.integers(2, 9), conditions, max_size=6))
def test_only_ready_endpoints_are_used_while_there_is_one(endpoints: dict[int, dict[str, bool]]) -> None:
    made = [{**endpoint(f"172.17.0.{number}"), "conditions": state} for number, state in endpoints.items()]
    table = routes(service(), [endpoint_slice(*made)], "node-1")
    chosen = {backend.ip for backend in table[Frontend("10.96.0.20", 80)].backends}
    ready = {f"172.17.0.{number}" for number, state in endpoints.items() if state.get("ready", True)}
    draining = {
        f"172.17.0.{number}" for number, state in endpoints.items() if state.get("serving") and state.get("terminating")
    }
    assert chosen == (ready or draining)
