from __future__ import annotations

import base64
from pathlib import Path

import pytest

from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE, SECRET, SERVICE_ACCOUNT
from orchestrator.api.meta import Object, annotations, uid
from orchestrator.controllers.root_ca import CONFIG_MAP_NAME, RootCAPublisher
from orchestrator.controllers.serviceaccount import ServiceAccountController
from orchestrator.controllers.serviceaccount_tokens import ACCOUNT_NAME, ACCOUNT_UID, TYPE, ServiceAccountTokens
from orchestrator.server.local import LocalTransport
from orchestrator.util import pki
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


def with_keys(home: Path) -> World:
    pki.ensure(home / "pki", "apiserver", "kube-apiserver")
    pki.ensure_key(home / "pki" / "sa.key")
    return World(ServiceAccountTokens, home=home)


def token_secret(**more: object) -> Object:
    meta = {"name": "ci-token", "namespace": "default", "annotations": {ACCOUNT_NAME: "ci"}}
    return {"metadata": meta, "type": TYPE, **more}


def decoded(secret: Object, field: str) -> str:
    return base64.b64decode((secret.get("data") or {}).get(field, "")).decode()


def test_a_token_secret_is_filled_and_goes_with_its_account(tmp_path: Path) -> None:
    with with_keys(tmp_path).running() as w:
        account = w.client.create(SERVICE_ACCOUNT, {"metadata": {"name": "ci", "namespace": "default"}})
        w.client.create(SECRET, token_secret(data={"mine": base64.b64encode(b"kept").decode()}))
        token = w.eventually(lambda: decoded(w.client.get(SECRET, "ci-token", "default"), "token"))
        made = w.client.get(SECRET, "ci-token", "default")
        assert (decoded(made, "namespace"), decoded(made, "mine")) == ("default", "kept")
        assert decoded(made, "ca.crt") == (tmp_path / "pki" / "ca.crt").read_text()
        assert annotations(made)[ACCOUNT_UID] == uid(account)
        transport = w.client._transport
        assert isinstance(transport, LocalTransport)
        believes = transport._resources.backend.security.bearers.user
        w.clock.advance(10 * 365 * 86400)
        assert believes(token).name == "system:serviceaccount:default:ci"
        w.client.delete(SERVICE_ACCOUNT, "ci", "default")
        w.eventually(lambda: not w.all(SECRET))
        with pytest.raises(Exception, match="is gone"):
            believes(token)


def test_a_token_secret_of_no_account_does_not_stay(tmp_path: Path) -> None:
    with with_keys(tmp_path).running() as w:
        w.client.create(SECRET, {"metadata": {"name": "other", "namespace": "default"}})
        w.client.create(SECRET, token_secret())
        w.eventually(lambda: len(w.all(SECRET)) == 1)
        with pytest.raises(NotFound):
            w.client.get(SECRET, "ci-token", "default")


def test_a_new_account_of_the_name_is_another_one(tmp_path: Path) -> None:
    with with_keys(tmp_path).running() as w:
        w.client.create(SERVICE_ACCOUNT, {"metadata": {"name": "ci", "namespace": "default"}})
        old = token_secret()
        old["metadata"]["annotations"][ACCOUNT_UID] = "somebody-else"
        w.client.create(SECRET, old)
        w.eventually(lambda: not w.all(SECRET))
