"""Who may ask for a certificate, approve one, and sign one; and bootstrap tokens."""

from __future__ import annotations

import pytest

from orchestrator.api.access import BOOTSTRAPPERS
from orchestrator.api.bootstrap_tokens import TYPE
from orchestrator.api.errors import Forbidden, Invalid
from orchestrator.api.groups.certificates import CERTIFICATE_SIGNING_REQUEST as CSR
from orchestrator.api.groups.core import SECRET
from orchestrator.api.groups.rbac import CLUSTER_ROLE, CLUSTER_ROLE_BINDING
from orchestrator.api.meta import Object, spec, status
from orchestrator.api.request import User
from orchestrator.api.times import rfc3339
from orchestrator.client.client import Client
from orchestrator.server.admission.base import View
from orchestrator.server.bootstrap_tokens import BootstrapTokens
from orchestrator.server.local import LocalTransport
from orchestrator.server.resources import Resources
from orchestrator.util.clock import FakeClock
from tests.fakes.certificates import csr, request_pem

CERTIFICATES = "certificates.k8s.io"
APPROVAL: Object = {"type": "Approved", "status": "True", "reason": "Test"}


def user(resources: Resources, name: str, *groups: str) -> Client:
    return Client(LocalTransport(resources, User(name, groups, uid="7", extra={"a": ("b",)})))


def allow(client: Client, name: str, *rules: Object) -> None:
    client.create(CLUSTER_ROLE, {"metadata": {"name": name}, "rules": list(rules)})
    binding = {
        "metadata": {"name": name},
        "roleRef": {"kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "User", "name": name}],
    }
    client.create(CLUSTER_ROLE_BINDING, binding)


def on_requests(verbs: str, subresource: str = "") -> Object:
    resource = f"certificatesigningrequests{subresource}"
    return {"verbs": verbs.split(), "apiGroups": [CERTIFICATES], "resources": [resource]}


def on_signers(verb: str, name: str) -> Object:
    return {"verbs": [verb], "apiGroups": [CERTIFICATES], "resources": ["signers"], "resourceNames": [name]}


def test_the_request_says_who_asked(resources: Resources, client: Client) -> None:
    allow(client, "jane", on_requests("create"))
    lie = {"username": "admin", "groups": ["system:masters"], "uid": "0", "extra": {}}
    made = user(resources, "jane", "dev").create(CSR, csr(request_pem("jane"), **lie))
    assert [spec(made)[field] for field in ("username", "groups", "uid", "extra")] == [
        "jane",
        ["dev"],
        "7",
        {"a": ["b"]},
    ]
    assert status(made) == {}


def test_the_spec_never_changes(client: Client) -> None:
    made = client.create(CSR, csr(request_pem("jane")))
    changed = client.patch(CSR, "jane", {"spec": {"username": "root"}, "metadata": {"labels": {"a": "b"}}})
    assert spec(changed) == spec(made)
    assert changed["metadata"]["labels"] == {"a": "b"}


def test_nobody_becomes_an_administrator(client: Client) -> None:
    with pytest.raises(Forbidden, match="signer with system:masters group is not allowed"):
        client.create(CSR, csr(request_pem("jane", "system:masters")))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"request": "aGVsbG8="}, "spec.request: Invalid value"),
        ({"usages": []}, "spec.usages: Required value"),
        ({"usages": ["client auth", "client auth"]}, r"spec.usages\[1\]: Duplicate value"),
        ({"usages": ["world domination"]}, r"spec.usages\[0\]: Unsupported value"),
        ({"signerName": ""}, "spec.signerName: Required value"),
        ({"signerName": "mine"}, "must be a fully qualified domain and path"),
        ({"signerName": "mine/signer"}, "should be a domain with at least two segments"),
        ({"signerName": "kubernetes.io/legacy-unknown"}, "the legacy signerName is not allowed"),
        ({"expirationSeconds": 599}, "may not specify a duration less than 600 seconds"),
    ],
)
def test_refused_requests(client: Client, change: Object, sentence: str) -> None:
    made = csr(request_pem("jane"))
    made["spec"] |= change
    with pytest.raises(Invalid, match=sentence):
        client.create(CSR, made)


def approve(client: Client, *conditions: Object) -> Object:
    made = client.get(CSR, "jane")
    made["status"]["conditions"] = list(conditions)
    return client.update(CSR, made, subresource="approval")


def test_approval_needs_the_right_on_the_signer(resources: Resources, client: Client) -> None:
    client.create(CSR, csr(request_pem("jane")))
    allow(client, "joe", on_requests("get"), on_requests("update", "/approval"))
    with pytest.raises(Forbidden, match="user not permitted to approve requests with signerName"):
        approve(user(resources, "joe"), APPROVAL)
    allow(
        client, "jim", on_requests("get"), on_requests("update", "/approval"), on_signers("approve", "kubernetes.io/*")
    )
    approved = approve(user(resources, "jim"), APPROVAL)
    assert status(approved)["conditions"][0]["lastUpdateTime"]


def test_who_signs_does_not_approve(resources: Resources, client: Client) -> None:
    client.create(CSR, csr(request_pem("jane"), signer="example.com/mine"))
    allow(client, "signer", on_requests("get"), on_requests("patch", "/status"), on_signers("sign", "example.com/mine"))
    other = {"type": "Failed", "status": "True", "reason": "Test"}
    patch = {"status": {"conditions": [APPROVAL, other]}}
    signed = user(resources, "signer").patch(CSR, "jane", patch, subresource="status")
    assert [condition["type"] for condition in status(signed)["conditions"]] == ["Failed"]


def test_decisions_stand(client: Client) -> None:
    client.create(CSR, csr(request_pem("jane")))
    with pytest.raises(Invalid, match="must be True for Approved"):
        approve(client, APPROVAL | {"status": "False"})
    with pytest.raises(Invalid, match="mutually exclusive"):
        approve(client, APPROVAL, APPROVAL | {"type": "Denied"})
    approve(client, APPROVAL)
    with pytest.raises(Invalid, match="may not remove a condition of type 'Approved'"):
        approve(client)
    with pytest.raises(Invalid, match="must contain PEM blocks of type CERTIFICATE only"):
        client.patch(CSR, "jane", {"status": {"certificate": "aGVsbG8="}}, subresource="status")


@pytest.mark.parametrize(
    ("change", "groups"),
    [
        ({}, (BOOTSTRAPPERS,)),
        ({"auth-extra-groups": "system:bootstrappers:lab"}, (BOOTSTRAPPERS, "system:bootstrappers:lab")),
        ({"auth-extra-groups": "system:masters"}, None),
        ({"usage-bootstrap-authentication": "false"}, None),
        ({"expiration": rfc3339(0)}, None),
        ({"expiration": "tomorrow"}, None),
        ({"token-secret": "fedcba9876543210"}, None),
        ({"token-id": "zzzzzz"}, None),
    ],
)
def test_bootstrap_tokens(
    resources: Resources, client: Client, clock: FakeClock, change: dict[str, str], groups: tuple[str, ...] | None
) -> None:
    content = {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        "expiration": rfc3339(clock.now() + 60),
    }
    meta = {"name": "bootstrap-token-abcdef", "namespace": "kube-system"}
    client.create(SECRET, {"metadata": meta, "type": TYPE, "stringData": content | change})
    found = BootstrapTokens(View(resources.backend.store), clock).user("abcdef.0123456789abcdef")
    assert found == (None if groups is None else User("system:bootstrap:abcdef", groups))
