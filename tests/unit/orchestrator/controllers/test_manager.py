from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import POD, SERVICE
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.client.informers import Informers
from orchestrator.controllers.manager import CONTROLLERS, Controllers
from orchestrator.util.clock import SystemClock
from orchestrator.util.settings import Settings
from tests.fakes.api import local_api
from tests.unit.orchestrator.controllers.objects import deployment, service
from tests.unit.orchestrator.controllers.world import Events, World


def test_all_controllers_together_carry_a_deployment_and_its_service(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_text("the certificate")
    with World(*CONTROLLERS, home=tmp_path).running() as w:
        w.add_node("node-1")
        w.create(DEPLOYMENT, deployment(3))
        made = service()
        del made["spec"]["clusterIP"]
        w.create(SERVICE, made)

        def ready() -> int:
            slices = w.client.list(ENDPOINT_SLICE, "default", labelSelector="kubernetes.io/service-name=web").items
            return sum(entry["conditions"]["ready"] for each in slices for entry in each.get("endpoints") or [])

        w.eventually(lambda: ready() == 3)
        w.client.delete(DEPLOYMENT, "web", "default")
        w.eventually(lambda: not w.all(POD) and ready() == 0)


def test_stopping_ends_every_thread(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    client = local_api()[1]
    informers = Informers(client)
    settings = replace(Settings(tmp_path), node_grace=1.0)
    controllers = Controllers(client, informers, Events(), SystemClock(), settings)
    informers.start()
    controllers.start()
    controllers.stop()
    informers.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), thread.name
