from __future__ import annotations

from orchestrator.controllers.heartbeats import Heartbeats


def test_a_node_is_silent_after_its_grace() -> None:
    heartbeats = Heartbeats(8)
    heartbeats.beat("a", 0)
    heartbeats.beat("b", 5)
    assert heartbeats.pause(6) == 2
    assert heartbeats.silent(7.9) == []
    assert heartbeats.silent(8) == ["a"]
    heartbeats.lose("a")
    assert heartbeats.silent(9) == [], "lost once is enough"
    assert heartbeats.pause(9) == 4


def test_a_lost_node_comes_back_with_its_next_beat() -> None:
    heartbeats = Heartbeats(8)
    assert not heartbeats.beat("a", 0)
    heartbeats.lose("a")
    assert heartbeats.is_lost("a")
    assert heartbeats.beat("a", 20)
    assert not heartbeats.is_lost("a")
    assert not heartbeats.beat("a", 21)


def test_without_nodes_the_pause_is_the_grace() -> None:
    assert Heartbeats(8).pause(100) == 8


def test_excused_nodes_start_anew_but_lost_ones_stay_lost() -> None:
    heartbeats = Heartbeats(8)
    heartbeats.beat("a", 0)
    heartbeats.beat("b", 0)
    heartbeats.lose("b")
    heartbeats.excuse(100)
    assert heartbeats.silent(107) == []
    assert heartbeats.silent(108) == ["a"]
    assert heartbeats.is_lost("b")


def test_a_forgotten_node_is_no_more() -> None:
    heartbeats = Heartbeats(8)
    heartbeats.beat("a", 0)
    heartbeats.forget("a")
    heartbeats.lose("a")
    assert heartbeats.silent(100) == []
    assert not heartbeats.is_lost("a")
