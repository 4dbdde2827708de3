"""A cluster of one node and one pod whose ports are this machine's: what is proxied to it comes to a test's program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.api.groups.core import NODE, POD
from orchestrator.client.client import Client
from orchestrator.server.local import LocalTransport
from orchestrator.server.serve import ApiServer
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes.api import ADMIN, live_api
from tests.fakes.dial_agent import dial_agent


@contextmanager
def proxied_pod(home: Path) -> Iterator[tuple[ApiServer, Settings]]:
    """The API server that proxies; the pod is `default/web`."""
    with live_api(home) as running, dial_agent(pki.identity(running[1].pki, "n1")) as agent_port:
        client = Client(LocalTransport(running[0].resources, ADMIN))
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": agent_port}},
        }
        client.create(NODE, {"metadata": {"name": "n1"}})
        client.update_status(NODE, {**client.get(NODE, "n1"), "status": status})
        spec = {"containers": [{"name": "main", "image": "web"}], "nodeName": "n1"}
        made = client.create(POD, {"metadata": {"name": "web", "namespace": "default"}, "spec": spec})
        client.update_status(POD, {**made, "status": {"phase": "Running", "podIP": "10.9.9.9"}})
        yield running
