"""Writes over HTTP that share what makes them durable, on a disk that stalls or is full."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.api.errors import NotFound, ServiceUnavailable
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import CONFIG_MAP, POD, SERVICE
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.server.serve import ApiServer
from orchestrator.store.jsonfile import JsonFileStore
from orchestrator.util import pki
from orchestrator.util.clock import SystemClock
from tests.fakes.api import cluster_home
from tests.faults.disks import FailingDisk

WRITERS = 6
CONTAINER: Object = {"name": "main", "image": "nginx"}


class StallingDisk(FailingDisk):
    """Counts what it makes durable, and does so only while it is `open`."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.open.set()
        self.asked = threading.Semaphore(0)
        self.syncs = 0

    def sync(self, fd: int) -> None:
        self.asked.release()
        assert self.open.wait(10)
        super().sync(fd)
        self.syncs += 1


@pytest.fixture
def disk() -> StallingDisk:
    return StallingDisk()


@pytest.fixture
def client(tmp_path: Path, disk: StallingDisk) -> Iterator[Client]:
    settings, clock = cluster_home(tmp_path / "home"), SystemClock()
    store = JsonFileStore(settings.store, clock, disk=disk)
    server = ApiServer(settings, store, clock)
    server.start()
    try:
        yield Client(HttpTransport(settings.server, pki.identity(settings.pki, "admin")))
    finally:
        disk.open.set()
        server.stop()
        store.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(WRITERS) as pool:
        yield pool


def meta(name: str) -> Object:
    return {"name": name, "namespace": "default"}


def config_map(name: str) -> Object:
    return {"metadata": meta(name)}


def stall(disk: StallingDisk, client: Client, pool: ThreadPoolExecutor) -> Future[Object]:
    """A create that waits for the disk."""
    return waiting(disk, pool, lambda: client.create(CONFIG_MAP, config_map("first")))


def waiting(disk: StallingDisk, pool: ThreadPoolExecutor, write: Callable[[], Object]) -> Future[Object]:
    """A write that waits for the disk."""
    disk.open.clear()
    while disk.asked.acquire(blocking=False):
        continue
    written = pool.submit(write)
    assert disk.asked.acquire(timeout=10)
    return written


def test_those_that_come_while_the_disk_is_busy_share_the_next_sync(
    client: Client, disk: StallingDisk, pool: ThreadPoolExecutor
) -> None:
    first = stall(disk, client, pool)
    before = disk.syncs
    begun = threading.Barrier(WRITERS)

    def write(name: str) -> Object:
        begun.wait(10)
        return client.create(CONFIG_MAP, config_map(name))

    others = [pool.submit(write, f"c{index}") for index in range(WRITERS - 1)]
    begun.wait(10)
    disk.open.set()
    assert first.result(10)
    assert [future.result(10)["metadata"]["name"] for future in others] == [f"c{i}" for i in range(WRITERS - 1)]
    assert disk.syncs - before < WRITERS


def test_nobody_sees_or_hears_of_a_write_before_it_is_durable(
    client: Client, disk: StallingDisk, pool: ThreadPoolExecutor
) -> None:
    first = stall(disk, client, pool)
    with pytest.raises(NotFound):
        client.get(CONFIG_MAP, "first", "default")
    assert not first.done()
    disk.open.set()
    first.result(10)
    assert client.get(CONFIG_MAP, "first", "default")


def bind(client: Client) -> Object:
    client.bind(client.get(POD, "p", "default"), "node-1", POD)
    return {}


def scale(client: Client) -> Object:
    return client.patch(DEPLOYMENT, "d", {"spec": {"replicas": 2}}, "default", subresource="scale")


def evict(client: Client) -> Object:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta("p")}
    return client.create_subresource(POD, "p", "eviction", eviction, "default")


@pytest.mark.parametrize("write", [bind, scale, evict])
def test_what_tells_of_something_else_waits_too(
    client: Client, disk: StallingDisk, pool: ThreadPoolExecutor, write: Callable[[Client], Object]
) -> None:
    """Answers that are not the object that was written."""
    client.create(POD, {"metadata": meta("p"), "spec": {"containers": [CONTAINER]}})
    selector = {"matchLabels": {"app": "d"}}
    template = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [CONTAINER]}}
    client.create(DEPLOYMENT, {"metadata": meta("d"), "spec": {"selector": selector, "template": template}})
    written = waiting(disk, pool, lambda: write(client))
    with pytest.raises(TimeoutError):
        written.result(0.2)
    disk.open.set()
    written.result(10)


def test_a_full_disk_is_told_to_every_writer_and_leaves_nothing(
    client: Client, disk: StallingDisk, pool: ThreadPoolExecutor
) -> None:
    disk.room = 0
    writes = [pool.submit(client.create, CONFIG_MAP, config_map(f"c{index}")) for index in range(WRITERS)]
    for write in writes:
        with pytest.raises(ServiceUnavailable, match="is full"):
            write.result(10)
    disk.room = None
    assert not [obj for obj in client.list(CONFIG_MAP, "default").items if obj["metadata"]["name"].startswith("c")]
    assert client.create(CONFIG_MAP, config_map("c0"))


def test_what_a_write_reserved_is_given_back_when_it_did_not_happen(client: Client, disk: StallingDisk) -> None:
    spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}
    service: Object = {"metadata": meta("web"), "spec": spec}
    disk.room = 0
    with pytest.raises(ServiceUnavailable):
        client.create(SERVICE, service)
    disk.room = None
    assert client.create(SERVICE, service)["spec"]["ports"][0]["nodePort"] == 30080
