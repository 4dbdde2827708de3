"""Conversations with a connection's state machine: an event, then what the proxy does."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from agent.proxy.relay import Close, Connect, Finish, Pump, Relay, Side
from agent.proxy.table import Backend

A, B = Backend("172.17.0.2", 80), Backend("172.17.0.3", 80)
RESET, END = Close(reset=True), Close(reset=False)


def relay(*backends: Backend) -> Relay:
    def choose(tried: Collection[Backend]) -> Backend | None:
        return next((backend for backend in backends if backend not in tried), None)

    return Relay(choose)


def established() -> Relay:
    made = relay(A)
    assert made.accepted() == Connect(A)
    assert made.connected() == Pump()
    return made


def test_no_endpoint_the_client_is_refused() -> None:
    assert relay().accepted() == RESET


def test_a_refused_connection_goes_to_the_next_endpoint() -> None:
    made = relay(A, B)
    assert made.accepted() == Connect(A)
    assert made.connect_failed() == Connect(B)
    assert made.connected() == Pump()
    assert made.tried == (A, B)


def test_when_all_endpoints_refuse_the_client_is_refused() -> None:
    made = relay(A, B)
    assert made.accepted() == Connect(A)
    assert made.connect_failed() == Connect(B)
    assert made.connect_failed() == RESET


@pytest.mark.parametrize(("first", "second"), [(Side.CLIENT, Side.BACKEND), (Side.BACKEND, Side.CLIENT)])
def test_half_close_then_the_end(first: Side, second: Side) -> None:
    made = established()
    assert made.ended(first) == Finish(second)
    assert made.ended(second) == END


def test_a_failure_resets_both() -> None:
    assert established().failed() == RESET


def test_a_failure_after_half_close_resets_both() -> None:
    made = established()
    made.ended(Side.CLIENT)
    assert made.failed() == RESET


def test_when_the_proxy_must_stop_the_connection_is_reset() -> None:
    assert established().expired() == RESET
