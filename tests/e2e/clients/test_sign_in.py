"""Every way to say who one is, and to ask what somebody may."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from tests.e2e.harness import RealCluster

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]

ACCOUNT = "system:serviceaccount:default:default"


@pytest.fixture(scope="module")
def printed(cluster: RealCluster) -> dict[str, Any]:
    """The kubeconfig that podlab prints."""
    return yaml.safe_load(cluster.podlab("kubeconfig").stdout)


@pytest.fixture(scope="module")
def token(core: client.CoreV1Api) -> str:
    """One of `ACCOUNT`."""
    return core.create_namespaced_service_account_token("default", "default", {"spec": {}}).status.token


def with_user(printed: dict[str, Any], **credentials: Any) -> dict[str, Any]:
    return {**printed, "users": [{"name": printed["users"][0]["name"], "user": credentials}]}


def who(kubeconfig: dict[str, Any]) -> str:
    api = config.new_client_from_config_dict(kubeconfig)
    return client.AuthenticationV1Api(api).create_self_subject_review({}).status.user_info.username


def test_certificate_and_token(printed: dict[str, Any], token: str) -> None:
    assert who(printed) == "kubernetes-admin"
    assert who(with_user(printed, token=token)) == ACCOUNT
    with pytest.raises(client.ApiException) as refused:
        who(with_user(printed, token="wrong"))
    assert (refused.value.status, refused.value.reason) == (401, "Unauthorized")


def test_a_program_that_prints_a_token(
    cluster: RealCluster, printed: dict[str, Any], token: str, tmp_path: Path
) -> None:
    version = "client.authentication.k8s.io/v1"
    said = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": token}}
    program = {"apiVersion": version, "command": "echo", "args": [json.dumps(said)], "interactiveMode": "Never"}
    by_program = with_user(printed, exec=program)
    assert who(by_program) == ACCOUNT
    file = tmp_path / "kubeconfig"
    file.write_text(yaml.safe_dump(by_program))
    assert ACCOUNT in cluster.kubectl("--kubeconfig", str(file), "auth", "whoami").stdout


def test_impersonation(printed: dict[str, Any]) -> None:
    acting = config.new_client_from_config_dict(printed)
    acting.set_default_header("Impersonate-User", "jane")
    acting.set_default_header("Impersonate-Group", "dev")
    info = client.AuthenticationV1Api(acting).create_self_subject_review({}).status.user_info
    assert (info.username, set(info.groups)) == ("jane", {"dev", "system:authenticated"})
    with pytest.raises(client.ApiException) as refused:
        client.CoreV1Api(acting).list_node()
    assert 'User "jane" cannot list resource "nodes"' in json.loads(refused.value.body)["message"]


def test_reviews(api: client.ApiClient, token: str) -> None:
    asked = client.V1TokenReview(spec=client.V1TokenReviewSpec(token=token))
    found = client.AuthenticationV1Api(api).create_token_review(asked).status
    assert (found.authenticated, found.user.username) == (True, ACCOUNT)
    rules = client.AuthorizationV1Api(api)
    for user, allowed in [(ACCOUNT, False), ("system:kube-scheduler", True)]:
        attributes = client.V1ResourceAttributes(verb="list", resource="pods", namespace="default")
        spec = client.V1SubjectAccessReviewSpec(user=user, resource_attributes=attributes)
        review = client.V1SubjectAccessReview(spec=spec)
        assert rules.create_subject_access_review(review).status.allowed is allowed
    mine = client.V1SelfSubjectRulesReview(spec=client.V1SelfSubjectRulesReviewSpec(namespace="default"))
    assert any("*" in each.verbs for each in rules.create_self_subject_rules_review(mine).status.resource_rules)
