"""Many writers at once lose nothing and share nothing that must be unique."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from orchestrator.api.errors import Conflict
from orchestrator.api.groups.core import CONFIG_MAP, SERVICE
from orchestrator.client.client import Client

from .objects import config_map, service

WRITERS = 8
TIMES = 20


def test_no_update_is_lost(client: Client) -> None:
    client.create(CONFIG_MAP, {**config_map(), "data": {"count": "0"}})

    def increment(_: int) -> None:
        while True:
            current = client.get(CONFIG_MAP, "settings", "default")
            current["data"]["count"] = str(int(current["data"]["count"]) + 1)
            try:
                client.update(CONFIG_MAP, current)
                return
            except Conflict:
                continue

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(increment, range(WRITERS * TIMES)))
    assert client.get(CONFIG_MAP, "settings", "default")["data"]["count"] == str(WRITERS * TIMES)


def test_patches_of_different_fields_all_count(client: Client) -> None:
    client.create(CONFIG_MAP, config_map())

    def write(number: int) -> None:
        for _ in range(10):
            try:
                client.patch(CONFIG_MAP, "settings", {"data": {f"k{number}": "1"}}, "default")
                return
            except Conflict:
                continue  # others wrote in between too often
        raise AssertionError("a patch never got through")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS * TIMES)))
    data = client.get(CONFIG_MAP, "settings", "default")["data"]
    assert {f"k{number}" for number in range(WRITERS * TIMES)} <= set(data)


def test_no_port_and_no_address_is_given_twice(client: Client) -> None:
    def create(number: int) -> tuple[str, int]:
        spec = client.create(SERVICE, service(f"s{number}", type="NodePort"))["spec"]
        return spec["clusterIP"], spec["ports"][0]["nodePort"]

    with ThreadPoolExecutor(WRITERS) as pool:
        given = list(pool.map(create, range(WRITERS * TIMES)))
    addresses, ports = zip(*given, strict=True)
    assert len(set(addresses)) == len(set(ports)) == WRITERS * TIMES
