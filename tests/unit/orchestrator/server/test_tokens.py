"""Service account tokens: asked for, shown, and no longer believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.api.errors import ApiError, BadRequest, Conflict, Forbidden, InternalError, Invalid, NotFound
from orchestrator.api.groups.core import NODE, POD, SECRET, SERVICE_ACCOUNT
from orchestrator.api.meta import Object, uid
from orchestrator.api.request import User
from orchestrator.client.client import Client
from orchestrator.server.jwt import InvalidToken, TokenKey, peek
from orchestrator.server.local import LocalTransport
from orchestrator.server.resources import Resources
from orchestrator.util import pki
from orchestrator.util.clock import FakeClock
from tests.fakes.api import local_api

from .objects import pod


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    pki.ensure_key(home / "pki" / "sa.key")
    return home


@pytest.fixture
def api(clock: FakeClock, home: Path) -> tuple[Resources, Client]:
    resources, client = local_api(clock, home=home)
    client.create(SERVICE_ACCOUNT, {"metadata": {"name": "ci", "namespace": "default"}})
    return resources, client


def ask(client: Client, account: str = "ci", **spec: object) -> Object:
    return client.create_subresource(SERVICE_ACCOUNT, account, "token", {"spec": spec}, "default")


def token(client: Client, **spec: object) -> str:
    return str(ask(client, **spec)["status"]["token"])


def bound_to(obj: Object, kind: str = "Pod") -> Object:
    return {"apiVersion": "v1", "kind": kind, "name": obj["metadata"]["name"], "uid": uid(obj)}


def believed(resources: Resources, text: str, *audiences: str) -> User:
    return resources.backend.security.bearers.user(text, audiences)


def test_the_user_of_a_token(resources: Resources, client: Client) -> None:
    answer = ask(client)
    assert answer["status"]["expirationTimestamp"] == "2023-11-14T23:13:20Z"
    user = believed(resources, answer["status"]["token"])
    assert user.name == "system:serviceaccount:default:ci"
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated")
    assert user.uid == uid(client.get(SERVICE_ACCOUNT, "ci", "default"))


def test_claims(client: Client, clock: FakeClock) -> None:
    claims = peek(token(client, expirationSeconds=600))
    account = client.get(SERVICE_ACCOUNT, "ci", "default")
    assert claims["iss"] == "https://kubernetes.default.svc.cluster.local"
    assert claims["aud"] == [claims["iss"]]
    assert (claims["iat"], claims["nbf"], claims["exp"]) == (clock.now(), clock.now(), clock.now() + 600)
    assert claims["sub"] == "system:serviceaccount:default:ci"
    assert claims["kubernetes.io"] == {"namespace": "default", "serviceaccount": {"name": "ci", "uid": uid(account)}}


def test_bound_to_a_pod(resources: Resources, client: Client) -> None:
    node = client.create(NODE, {"metadata": {"name": "n1"}})
    made = client.create(POD, pod("web", serviceAccountName="ci", nodeName="n1"))
    text = token(client, boundObjectRef=bound_to(made))
    private = peek(text)["kubernetes.io"]
    assert private["pod"] == {"name": "web", "uid": uid(made)}
    assert private["node"] == {"name": "n1", "uid": uid(node)}
    extra = believed(resources, text).extra
    assert extra["authentication.kubernetes.io/pod-name"] == ("web",)
    assert extra["authentication.kubernetes.io/node-name"] == ("n1",)
    client.delete(NODE, "n1")
    assert believed(resources, text)
    client.delete(POD, "web", "default", grace_seconds=0)
    client.create(POD, pod("web", serviceAccountName="ci"))
    with pytest.raises(InvalidToken, match="the Pod web of the token is gone"):
        believed(resources, text)


def test_a_token_ends(resources: Resources, client: Client, clock: FakeClock) -> None:
    text = token(client, expirationSeconds=600)
    assert believed(resources, text)
    clock.advance(601)
    with pytest.raises(InvalidToken, match="expired"):
        believed(resources, text)


def test_a_new_account_is_another(resources: Resources, client: Client) -> None:
    text = token(client)
    assert believed(resources, text)
    client.delete(SERVICE_ACCOUNT, "ci", "default")
    with pytest.raises(InvalidToken):
        believed(resources, text)
    client.create(SERVICE_ACCOUNT, {"metadata": {"name": "ci", "namespace": "default"}})
    with pytest.raises(InvalidToken):
        believed(resources, text)


def test_audiences(resources: Resources, client: Client) -> None:
    text = token(client, audiences=["vault"])
    assert believed(resources, text, "vault", "other").name.endswith(":ci")
    with pytest.raises(InvalidToken, match="audiences"):
        believed(resources, text)


def test_forgeries(resources: Resources, client: Client, tmp_path: Path) -> None:
    text = token(client)
    head, payload, signature = text.split(".")
    file = tmp_path / "other.key"
    pki.ensure_key(file)
    unsigned = "eyJhbGciOiJub25lIn0"
    flipped = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    for forged in (
        TokenKey(file).sign(peek(text)),
        f"{head}.{payload}.{flipped}",
        f"{head}.{payload}.",
        f"{unsigned}.{payload}.{signature}",
        f"{head}.{payload}",
        f"{head}.{payload}.{signature}.{signature}",
    ):
        with pytest.raises(InvalidToken):
            believed(resources, forged)
    assert believed(resources, text)


def test_without_a_key(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="see `podlab up`"):
        TokenKey(tmp_path / "none").key_set()


@pytest.mark.parametrize(
    ("spec", "error", "sentence"),
    [
        ({"expirationSeconds": 10}, Invalid, "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": 1 << 33}, Invalid, "may not specify a duration larger than"),
        ({"boundObjectRef": {"kind": "Pod"}}, Invalid, "spec.boundObjectRef.name: Required value"),
        ({"boundObjectRef": {"kind": "Service", "name": "x"}}, BadRequest, "cannot bind token to object of type"),
        ({"boundObjectRef": {"kind": "Pod", "name": "x"}}, NotFound, 'pods "x" not found'),
        ({"boundObjectRef": {"kind": "Pod", "name": "web", "uid": "1"}}, Conflict, "does not match the UID in record"),
        ({"boundObjectRef": {"kind": "Pod", "name": "web"}}, BadRequest, "different serviceaccount name"),
    ],
)
def test_refusals(client: Client, spec: Object, error: type[ApiError], sentence: str) -> None:
    client.create(POD, pod("web"))
    with pytest.raises(error, match=sentence):
        ask(client, **spec)


def test_bound_to_a_secret(resources: Resources, client: Client) -> None:
    made = client.create(SECRET, {"metadata": {"name": "s", "namespace": "default"}})
    text = token(client, boundObjectRef=bound_to(made, "Secret"))
    assert believed(resources, text)
    client.delete(SECRET, "s", "default")
    with pytest.raises(InvalidToken, match="the Secret s of the token is gone"):
        believed(resources, text)


def test_an_agent_asks_for_its_own_pods_only(resources: Resources, client: Client) -> None:
    for name in ("n1", "n2"):
        client.create(NODE, {"metadata": {"name": name}})
    mine = client.create(POD, pod("mine", serviceAccountName="ci", nodeName="n1"))
    other = client.create(POD, pod("other", serviceAccountName="ci", nodeName="n2"))
    agent = Client(LocalTransport(resources, User("system:node:n1", ("system:nodes",))))
    assert token(agent, boundObjectRef=bound_to(mine))
    with pytest.raises(Forbidden, match="scheduled on a different node"):
        ask(agent, boundObjectRef=bound_to(other))
    with pytest.raises(Forbidden, match="not bound to a pod"):
        ask(agent)
    with pytest.raises(Forbidden, match='cannot create resource "serviceaccounts/token"'):
        ask(agent, "default")
