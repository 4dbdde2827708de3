"""The machine's shutdown is held up, by the D-Bus conversation with systemd-logind."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.shutdown import logind
from agent.shutdown.logind import ShutdownInhibitor, bus_address
from orchestrator.util.clock import SystemClock
from tests.fakes.agent import eventually
from tests.fakes.logind import FakeLogind, fake_logind


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[FakeLogind]:
    with fake_logind(tmp_path) as made:
        yield made


class Node:
    """Notes whether the shutdown was still held up when the pods were to end."""

    def __init__(self, manager: FakeLogind) -> None:
        self.begun: list[tuple[float, bool]] = []
        self.cancelled = 0
        self._manager = manager
        self.inhibitor = ShutdownInhibitor(manager.address, 20.0, self.begin, self.cancel, SystemClock())
        self.inhibitor.start()

    def begin(self, granted: float) -> None:
        self.begun.append((granted, self._manager.held))

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def node(manager: FakeLogind, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setattr(logind, "FIRST_RETRY", 0.01)
    made = Node(manager)
    yield made
    made.inhibitor.stop()


def test_the_machine_waits_for_the_pods(manager: FakeLogind, node: Node) -> None:
    eventually(lambda: manager.held)
    assert manager.reasons == [("shutdown", "podlab", "pods need time to end", "delay")]
    manager.prepare(True)
    eventually(lambda: not manager.held)
    assert node.begun == [(5.0, True)]


def test_a_shutdown_that_is_called_off_is_held_up_the_next_time(manager: FakeLogind, node: Node) -> None:
    eventually(lambda: manager.held)
    manager.prepare(True)
    eventually(lambda: not manager.held)
    manager.prepare(False)
    eventually(lambda: manager.held)
    assert node.cancelled == 1


def test_a_bus_that_starts_anew(manager: FakeLogind, node: Node) -> None:
    eventually(lambda: manager.held)
    manager.hang_up()
    eventually(lambda: len(manager.reasons) == 2 and manager.held)


def test_too_short_a_delay_and_a_refusal_are_told(
    manager: FakeLogind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logind, "FIRST_RETRY", 60.0)
    manager.refuse = True
    with caplog.at_level(logging.WARNING):
        node = Node(manager)
        eventually(lambda: "a shutdown cannot be held up" in caplog.text)
    node.inhibitor.stop()
    assert "Access denied" in caplog.text
    assert "logind waits for 5 s at most, and not for 20 s: raise InhibitDelayMaxSec" in caplog.text


def test_a_machine_without_a_bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    assert bus_address() is None
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}")
    assert bus_address() == f"unix:path={tmp_path}"
