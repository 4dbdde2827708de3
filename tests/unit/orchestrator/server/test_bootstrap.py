from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from orchestrator.api.groups.core import ENDPOINTS, NAMESPACE, SERVICE
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.client.client import Client
from orchestrator.server.bootstrap import advertised, bootstrap
from orchestrator.server.resources import Resources
from orchestrator.util.settings import Settings

SETTINGS = Settings(home=Path("/nonexistent"))


def test_what_every_cluster_begins_with(client: Client) -> None:
    names = {item["metadata"]["name"] for item in client.list(NAMESPACE).items}
    assert names == {"default", "kube-system", "kube-public", "kube-node-lease"}
    spec = client.get(SERVICE, "kubernetes", "default")["spec"]
    assert (spec["clusterIP"], spec["ports"][0]["port"]) == ("10.96.0.1", 443)


def test_a_second_start_changes_nothing(resources: Resources) -> None:
    before = resources.backend.store.revision
    bootstrap(resources, SETTINGS)
    assert resources.backend.store.revision == before


def test_a_server_on_all_addresses_tells_one(resources: Resources, client: Client) -> None:
    bootstrap(resources, replace(SETTINGS, api_host="0.0.0.0"))
    address = client.get(ENDPOINTS, "kubernetes", "default")["subsets"][0]["addresses"][0]["ip"]
    assert address == advertised("0.0.0.0") != "0.0.0.0"


def test_a_new_address_is_told(resources: Resources, client: Client) -> None:
    bootstrap(resources, replace(SETTINGS, api_host="192.168.1.5", api_port=7443))
    subset = client.get(ENDPOINTS, "kubernetes", "default")["subsets"][0]
    assert (subset["addresses"][0]["ip"], subset["ports"][0]["port"]) == ("192.168.1.5", 7443)
    found = client.get(ENDPOINT_SLICE, "kubernetes", "default")
    assert (found["endpoints"][0]["addresses"], found["ports"][0]["port"]) == (["192.168.1.5"], 7443)
