from __future__ import annotations

from pathlib import Path

from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE, SERVICE_ACCOUNT
from orchestrator.controllers.root_ca import CONFIG_MAP_NAME, RootCAPublisher
from orchestrator.controllers.serviceaccount import ServiceAccountController
from tests.unit.orchestrator.controllers.world import World


def test_every_namespace_has_a_default_account() -> None:
    with World(ServiceAccountController).running() as w:
        w.eventually(lambda: w.client.get(SERVICE_ACCOUNT, "default", "kube-system"))
        w.client.create(NAMESPACE, {"metadata": {"name": "shop"}})
        w.eventually(lambda: w.client.get(SERVICE_ACCOUNT, "default", "shop"))
        w.client.delete(SERVICE_ACCOUNT, "default", "shop")
        w.eventually(lambda: w.client.get(SERVICE_ACCOUNT, "default", "shop"))


def test_a_namespace_that_goes_gets_no_account() -> None:
    with World(ServiceAccountController).running() as w:
        w.client.create(NAMESPACE, {"metadata": {"name": "shop"}})
        w.eventually(lambda: w.client.get(SERVICE_ACCOUNT, "default", "shop"))
        w.client.delete(NAMESPACE, "shop")
        w.client.delete(SERVICE_ACCOUNT, "default", "shop")
        w.quiet()
        assert w.client.list(SERVICE_ACCOUNT, "shop").items == []


def test_the_ca_is_published_in_every_namespace_and_kept_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_text("the certificate")
    with World(RootCAPublisher, home=tmp_path).running() as w:
        w.client.create(NAMESPACE, {"metadata": {"name": "shop"}})
        made = w.eventually(lambda: w.client.get(CONFIG_MAP, CONFIG_MAP_NAME, "shop"))
        assert made["data"] == {"ca.crt": "the certificate"}
        w.client.patch(CONFIG_MAP, CONFIG_MAP_NAME, {"data": {"ca.crt": "forged"}}, "shop")
        w.eventually(lambda: w.client.get(CONFIG_MAP, CONFIG_MAP_NAME, "shop")["data"] == made["data"])
        w.client.delete(CONFIG_MAP, CONFIG_MAP_NAME, "shop")
        w.eventually(lambda: w.client.get(CONFIG_MAP, CONFIG_MAP_NAME, "shop"))
