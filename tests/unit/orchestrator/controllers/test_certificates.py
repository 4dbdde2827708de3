from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from orchestrator.api.bootstrap_tokens import TYPE
from orchestrator.api.certificates import APPROVED, FAILED, KUBELET_CLIENT
from orchestrator.api.groups.certificates import CERTIFICATE_SIGNING_REQUEST as CSR
from orchestrator.api.groups.core import SECRET
from orchestrator.api.meta import Object, condition, status
from orchestrator.api.request import User
from orchestrator.api.times import rfc3339
from orchestrator.client.client import Client
from orchestrator.controllers.bootstrap_tokens import TokenCleaner
from orchestrator.controllers.certificates import CertificateController
from orchestrator.server.local import LocalTransport
from orchestrator.util import pki
from tests.fakes.certificates import csr, request_pem

from .world import World

NODE = ("system:node:n1", "system:nodes")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    pki.ensure_ca(tmp_path / "pki")
    with World(CertificateController, TokenCleaner, kubelet=False, home=tmp_path).running() as running:
        yield running


def as_user(world: World, name: str, *groups: str) -> Client:
    transport = world.client._transport
    assert isinstance(transport, LocalTransport)
    return Client(LocalTransport(transport._resources, User(name, (*groups, "system:authenticated"))))


def approve(world: World, name: str) -> None:
    made = world.client.get(CSR, name)
    made["status"] = {"conditions": [{"type": APPROVED, "status": "True", "reason": "Test"}]}
    world.client.update(CSR, made, subresource="approval")


def issued(world: World, name: str) -> x509.Certificate:
    found = world.eventually(lambda: status(world.client.get(CSR, name)).get("certificate"))
    return x509.load_pem_x509_certificate(base64.b64decode(found))


def test_an_approved_request_is_signed(world: World) -> None:
    world.client.create(CSR, csr(request_pem("jane", "dev"), expirationSeconds=7200))
    world.quiet()
    assert not status(world.client.get(CSR, "jane"))
    approve(world, "jane")
    certificate = issued(world, "jane")
    ca = x509.load_pem_x509_certificate((world.settings.pki / "ca.crt").read_bytes())
    certificate.verify_directly_issued_by(ca)
    assert certificate.subject.rfc4514_string() == "CN=jane,O=dev"
    seconds = (certificate.not_valid_after_utc - certificate.not_valid_before_utc).total_seconds()
    assert 7200 <= seconds <= 7200 + 600
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [x509.oid.ExtendedKeyUsageOID.CLIENT_AUTH]


def test_what_the_signer_does_not_grant_fails(world: World) -> None:
    world.client.create(CSR, csr(request_pem("jane"), use="server auth"))
    approve(world, "jane")
    failed = world.eventually(lambda: condition(world.client.get(CSR, "jane"), FAILED))
    assert failed["reason"] == "SignerValidationFailure"
    assert "usages" in failed["message"]


def test_another_signers_requests_are_left_to_it(world: World) -> None:
    world.client.create(CSR, csr(request_pem("jane"), signer="example.com/mine"))
    approve(world, "jane")
    world.quiet()
    assert not status(world.client.get(CSR, "jane")).get("certificate")


@pytest.mark.parametrize(
    ("user", "groups", "approved"),
    [
        ("system:bootstrap:abcdef", ("system:bootstrappers",), True),
        (NODE[0], (NODE[1],), True),
        ("system:node:n2", (NODE[1],), False),
    ],
)
def test_whose_node_certificates_need_nobody(world: World, user: str, groups: tuple[str, ...], approved: bool) -> None:
    as_user(world, user, *groups).create(CSR, csr(request_pem(*NODE), "n1", KUBELET_CLIENT))
    world.quiet()
    made = world.client.get(CSR, "n1")
    assert (condition(made, APPROVED) is not None) is approved
    if approved:
        assert issued(world, "n1").subject.rfc4514_string() == "CN=system:node:n1,O=system:nodes"


def test_old_requests_are_removed(world: World) -> None:
    world.client.create(CSR, csr(request_pem("jane")))
    world.client.create(CSR, csr(request_pem("joe"), "joe"))
    approve(world, "jane")
    issued(world, "jane")
    world.quiet()
    world.clock.advance(3601)
    world.eventually(lambda: [made["metadata"]["name"] for made in world.all(CSR)] == ["joe"])
    world.clock.advance(23 * 3600)
    world.eventually(lambda: not world.all(CSR))


def token(name: str, expiration: str) -> Object:
    meta = {"name": f"bootstrap-token-{name}", "namespace": "kube-system"}
    return {"metadata": meta, "type": TYPE, "stringData": {"token-id": name, "expiration": expiration}}


def test_ended_bootstrap_tokens_are_removed(world: World) -> None:
    world.client.create(SECRET, token("aaaaaa", rfc3339(world.clock.now() + 60)))
    world.client.create(SECRET, token("bbbbbb", "when pigs fly"))
    world.client.create(SECRET, token("cccccc", ""))
    world.eventually(lambda: len(world.all(SECRET, "kube-system")) == 2)
    world.quiet()
    world.clock.advance(61)
    left = world.eventually(lambda: len(found := world.all(SECRET, "kube-system")) == 1 and found)
    assert left[0]["metadata"]["name"] == "bootstrap-token-cccccc"
