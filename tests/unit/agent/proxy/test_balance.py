"""Which backend a connection gets."""

from __future__ import annotations

import random
from collections import Counter

from agent.proxy.balance import Balancer
from agent.proxy.table import Backend, Route
from orchestrator.api.meta import Key

A, B, C = (Backend(f"172.17.0.{number}", 80) for number in (2, 3, 4))
WEB = Key("default/web")


def balancer(*backends: Backend, affinity: float = 0, seed: int = 1) -> Balancer:
    return Balancer(Route(WEB, backends, affinity), random.Random(seed))


def test_round_robin() -> None:
    three = balancer(A, B, C)
    first = [three.choose("client", (), 0) for _ in range(3)]
    assert sorted(filter(None, first)) == [A, B, C]
    assert [three.choose("client", (), 0) for _ in range(3)] == first


def test_proxies_do_not_all_begin_with_the_same() -> None:
    firsts = {balancer(A, B, C, seed=seed).choose("client", (), 0) for seed in range(20)}
    assert firsts == {A, B, C}


def test_tried_backends_are_passed_over_until_none_is_left() -> None:
    three = balancer(A, B, C)
    tried: list[Backend] = []
    while (backend := three.choose("client", tried, 0)) is not None:
        tried.append(backend)
    assert sorted(tried) == [A, B, C]


def test_no_backend() -> None:
    assert balancer().choose("client", (), 0) is None
    assert balancer(affinity=60).choose("client", (), 0) is None


def test_a_change_keeps_the_turns_of_those_that_stay() -> None:
    two = balancer(A, B)
    first = two.choose("client", (), 0)
    second = B if first == A else A
    two.update(Route(WEB, (A, B, C)))
    assert [two.choose("client", (), 0) for _ in range(3)] == [second, first, C]


def test_affinity_keeps_a_client_until_it_was_away_too_long() -> None:
    sticky = balancer(A, B, C, affinity=60)
    home = sticky.choose("client", (), 0)
    assert home is not None
    assert {sticky.choose("client", (), now) for now in range(0, 300, 50)} == {home}
    other = sticky.choose("client", (home,), 300)
    assert other != home
    assert sticky.choose("client", (), 310) == other, "it stays where it could go"
    assert sticky.choose("client", (), 400) == home, "forgotten: it is as at first"


def test_affinity_survives_a_change_that_leaves_the_backend() -> None:
    sticky = balancer(A, B, affinity=60)
    home = sticky.choose("client", (), 0)
    assert home is not None
    sticky.update(Route(WEB, (home, C, Backend("172.17.0.9", 80)), 60))
    assert sticky.choose("client", (), 1) == home
    sticky.update(Route(WEB, (C,), 60))
    assert sticky.choose("client", (), 2) == C


def test_affinity_is_the_same_in_every_proxy_and_spreads_clients() -> None:
    here, there = balancer(A, B, C, affinity=60, seed=1), balancer(C, B, A, affinity=60, seed=2)
    clients = [f"192.0.2.{number}" for number in range(200)]
    assert [here.choose(client, (), 0) for client in clients] == [there.choose(client, (), 0) for client in clients]
    shares = Counter(here.choose(client, (), 0) for client in clients)
    assert min(shares.values()) > 30
