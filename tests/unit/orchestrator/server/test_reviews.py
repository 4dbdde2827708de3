"""Reviews, impersonation and the issuer's documents, over HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.api.groups.core import POD, SERVICE_ACCOUNT
from orchestrator.api.groups.rbac import CLUSTER_ROLE_BINDING
from orchestrator.client.client import Client
from orchestrator.server.local import LocalTransport
from orchestrator.server.serve import ApiServer
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes.api import ADMIN, live_api

from .http_client import Answer, Https
from .objects import pod

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
AUTHENTICATION = "/apis/authentication.k8s.io/v1"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApiServer, Settings]]:
    with live_api(tmp_path_factory.mktemp("home")) as running:
        server, settings = running
        pki.ensure(settings.pki, "jane", "jane", ["dev"])
        client = Client(LocalTransport(server.resources, ADMIN))
        client.create(
            CLUSTER_ROLE_BINDING,
            {
                "metadata": {"name": "devs"},
                "roleRef": {"kind": "ClusterRole", "name": "system:aggregate-to-view"},
                "subjects": [{"kind": "Group", "name": "dev"}],
            },
        )
        yield running


@pytest.fixture
def admin(live: tuple[ApiServer, Settings]) -> Https:
    return Https(live[1])


@pytest.fixture
def jane(live: tuple[ApiServer, Settings]) -> Https:
    return Https(live[1], "jane")


def ask(client: Https, path: str, **spec: Any) -> Any:
    answer = client.ask("POST", path, {"spec": spec})
    assert answer.code == 201, answer.json
    return answer.json["status"]


def resource(verb: str, name: str, **more: str) -> dict[str, Any]:
    return {"resourceAttributes": {"verb": verb, "resource": name, "namespace": "default", **more}}


def test_may_i(jane: Https) -> None:
    path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
    status = ask(jane, path, **resource("list", "pods"))
    assert status == {
        "allowed": True,
        "reason": 'RBAC: allowed by ClusterRoleBinding "devs" of ClusterRole "system:aggregate-to-view" to Group "dev"',
    }
    assert ask(jane, path, **resource("list", "secrets")) == {"allowed": False}
    assert ask(jane, path, **resource("list", "deployments", group="apps"))["allowed"]
    assert ask(jane, path, nonResourceAttributes={"verb": "get", "path": "/metrics"})["allowed"]
    refused = jane.ask("POST", path, {"spec": {}})
    assert refused.code == 422
    assert "exactly one of nonResourceAttributes or resourceAttributes must be specified" in refused.json["message"]


def test_may_somebody(admin: Https, jane: Https) -> None:
    path = f"{AUTHORIZATION}/subjectaccessreviews"
    assert ask(admin, path, user="joe", groups=["dev"], **resource("get", "pods"))["allowed"]
    assert not ask(admin, path, user="joe", **resource("get", "pods"))["allowed"]
    assert jane.ask("POST", path, {"spec": {"user": "joe", **resource("get", "pods")}}).code == 403
    assert admin.ask("POST", path, {"spec": resource("get", "pods")}).code == 422


def test_may_somebody_here(admin: Https) -> None:
    path = f"{AUTHORIZATION}/namespaces/default/localsubjectaccessreviews"
    assert ask(admin, path, user="joe", groups=["dev"], **resource("get", "pods"))["allowed"]
    elsewhere = resource("get", "pods", namespace="kube-system")
    assert admin.ask("POST", path, {"spec": {"user": "joe", **elsewhere}}).code == 422


def test_what_may_i(jane: Https) -> None:
    status = ask(jane, f"{AUTHORIZATION}/selfsubjectrulesreviews", namespace="default")
    assert {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"]} in (
        status["nonResourceRules"]
    )
    assert any("pods" in rule["resources"] and "list" in rule["verbs"] for rule in status["resourceRules"])
    assert not any("secrets" in rule["resources"] for rule in status["resourceRules"])


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_who_am_i(jane: Https, version: str) -> None:
    review = jane.ask("POST", f"/apis/authentication.k8s.io/{version}/selfsubjectreviews", {}).json
    assert review["apiVersion"] == f"authentication.k8s.io/{version}"
    assert review["status"] == {"userInfo": {"username": "jane", "groups": ["dev", "system:authenticated"]}}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_questions_are_not_kept(admin: Https, method: str) -> None:
    assert admin.ask(method, f"{AUTHENTICATION}/selfsubjectreviews").code == 405


def test_tokens(live: tuple[ApiServer, Settings], admin: Https) -> None:
    client = Client(LocalTransport(live[0].resources, ADMIN))
    client.create(SERVICE_ACCOUNT, {"metadata": {"name": "ci", "namespace": "default"}})
    path = "/api/v1/namespaces/default/serviceaccounts/ci/token"
    token = ask(admin, path)["token"]
    status = ask(admin, f"{AUTHENTICATION}/tokenreviews", token=token)
    assert status["authenticated"]
    assert status["user"]["username"] == "system:serviceaccount:default:ci"
    assert "authenticated" not in ask(admin, f"{AUTHENTICATION}/tokenreviews", token=token, audiences=["other"])
    stranger = Https(live[1], "")
    bearer = {"Authorization": f"Bearer {token}"}
    assert stranger.ask("GET", "/openid/v1/jwks", headers=bearer).code == 200
    refused = stranger.ask("GET", "/api/v1/namespaces/default/pods", headers=bearer)
    assert (refused.code, 'User "system:serviceaccount:default:ci"' in refused.json["message"]) == (403, True)
    client.delete(SERVICE_ACCOUNT, "ci", "default")
    assert stranger.ask("GET", "/openid/v1/jwks", headers=bearer).code == 401


def test_the_issuer(live: tuple[ApiServer, Settings], admin: Https) -> None:
    configuration = admin.get("/.well-known/openid-configuration").json
    assert configuration["jwks_uri"] == f"{live[1].server}/openid/v1/jwks"
    answer = admin.get("/openid/v1/jwks")
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    [key] = answer.json["keys"]
    assert (key["kty"], key["crv"], key["alg"]) == ("EC", "P-256", "ES256")


# --- acting as somebody else ------------------------------------------------------------------------------------------


def who(client: Https, *headers: tuple[str, str]) -> Answer:
    """SelfSubjectReview with headers, of which one may come several times."""
    connection = client.connect()
    connection.putrequest("POST", f"{AUTHENTICATION}/selfsubjectreviews")
    body = b"{}"
    for header, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
        connection.putheader(header, value)
    connection.endheaders(body)
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


def test_as_somebody_else(admin: Https) -> None:
    answer = who(
        admin,
        ("Impersonate-User", "joe"),
        ("Impersonate-Group", "a,b"),
        ("Impersonate-Group", "c"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-acme.com%2Fteam-name", "x"),
    )
    assert answer.json["status"]["userInfo"] == {
        "username": "joe",
        "uid": "7",
        "groups": ["a,b", "c", "system:authenticated"],
        "extra": {"acme.com/team-name": ["x"]},
    }


def test_as_a_service_account(admin: Https) -> None:
    answer = who(admin, ("Impersonate-User", "system:serviceaccount:default:ci"))
    groups = answer.json["status"]["userInfo"]["groups"]
    assert groups == ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]


@pytest.mark.parametrize(
    ("header", "value", "sentence"),
    [
        ("User", "joe", 'users "joe" is forbidden: User "jane" cannot impersonate resource "users" in API group ""'),
        ("User", "system:serviceaccount:default:ci", 'cannot impersonate resource "serviceaccounts"'),
    ],
)
def test_not_everybody_may(jane: Https, header: str, value: str, sentence: str) -> None:
    answer = who(jane, (f"Impersonate-{header}", value))
    assert (answer.code, sentence in answer.json["message"]) == (403, True)


def test_a_group_alone(admin: Https) -> None:
    assert who(admin, ("Impersonate-Group", "dev")).code == 400


def test_the_impersonated_has_no_more_rights(live: tuple[ApiServer, Settings], admin: Https) -> None:
    Client(LocalTransport(live[0].resources, ADMIN)).create(POD, pod("web"))
    for path in ("/api/v1/namespaces/default/pods/web", "/api/v1/namespaces/default/pods/web/log", "/openapi/v3"):
        assert admin.ask("GET", path, headers={"Impersonate-User": "system:anonymous"}).code == 403
    watch = "/api/v1/namespaces/default/pods?watch=true"
    assert admin.ask("GET", watch, headers={"Impersonate-User": "joe"}).code == 403
