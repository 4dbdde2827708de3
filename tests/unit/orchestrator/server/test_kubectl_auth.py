"""kubectl's verbs about identity and rights, against the real server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from orchestrator.api.groups.core import SERVICE_ACCOUNT
from orchestrator.client.client import Client
from orchestrator.server.local import LocalTransport
from orchestrator.util.settings import Settings
from tests.conftest import missing
from tests.fakes.api import ADMIN, live_api
from tests.fakes.kubectl import admin_config

pytestmark = pytest.mark.kubectl

Kubectl = Callable[..., str]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with live_api(tmp_path_factory.mktemp("home")) as (server, settings):
        client = Client(LocalTransport(server.resources, ADMIN))
        client.create(SERVICE_ACCOUNT, {"metadata": {"name": "ci", "namespace": "default"}})
        yield settings


@pytest.fixture(scope="module")
def binary(kubectl: Path) -> Path:
    """The newest one that asks in JSON."""
    found = [file for file in kubectl.parent.glob("kubectl.1.*") if int(file.name.rpartition(".")[2]) < 32]
    return max(found, key=lambda file: file.name) if found else missing("a kubectl older than 1.32")


@pytest.fixture
def run(binary: Path, settings: Settings) -> Kubectl:
    """Runs kubectl as the admin; gives both outputs together. `code` is the expected exit code."""
    file = admin_config(settings)

    def run(*arguments: str, code: int = 0) -> str:
        environment = {**os.environ, "KUBECONFIG": str(file), "HOME": str(settings.home)}
        command = [str(binary), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_roles_from_the_command_line(run: Kubectl) -> None:
    assert "created" in run("create", "role", "reader", "--verb=get,list", "--resource=pods,pods/log")
    assert "created" in run("create", "rolebinding", "readers", "--role=reader", "--user=jane", "--group=dev")
    assert "yes" in run("auth", "can-i", "list", "pods", "--as=jane")
    assert "yes" in run("auth", "can-i", "get", "pods", "--subresource=log", "--as=joe", "--as-group=dev")
    assert "no" in run("auth", "can-i", "list", "secrets", "--as=jane", code=1)
    assert "no" in run("auth", "can-i", "list", "pods", "-n", "kube-system", "--as=jane", code=1)
    assert run("get", "pods", "--as=jane") == "No resources found in default namespace.\n"
    refused = run("get", "secrets", "--as=jane", code=1)
    sentence = 'secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace'
    assert refused == f'Error from server (Forbidden): {sentence} "default"\n'
    head, row = run("get", "rolebindings", "readers", "-o", "wide").splitlines()
    assert head.split() == ["NAME", "ROLE", "AGE", "USERS", "GROUPS", "SERVICEACCOUNTS"]
    assert [row.split()[index] for index in (0, 1, 3, 4)] == ["readers", "Role/reader", "jane", "dev"]


def test_all_that_one_may(run: Kubectl) -> None:
    lines = run("auth", "can-i", "--list", "--as=nobody").splitlines()
    assert lines[0].split() == ["Resources", "Non-Resource", "URLs", "Resource", "Names", "Verbs"]
    assert any(line.startswith("selfsubjectaccessreviews.authorization.k8s.io") for line in lines)
    assert not any(line.startswith("pods") for line in lines)
    assert "*.*" in run("auth", "can-i", "--list")


def test_whoami(run: Kubectl) -> None:
    assert "kubernetes-admin" in run("auth", "whoami")
    told = run("auth", "whoami", "--as=jane", "--as-group=a,b", "--as-group=c", "--as-uid=7")
    assert "[a,b c system:authenticated]" in told


def test_a_token_is_somebody(run: Kubectl, settings: Settings) -> None:
    token = run("create", "token", "ci", "--duration=15m").strip()
    told = run("--kubeconfig=/dev/null", *server(settings), "--token", token, "auth", "whoami")
    assert "system:serviceaccount:default:ci" in told
    assert "system:serviceaccounts:default" in told
    wrong = run("--kubeconfig=/dev/null", *server(settings), "--token", f"{token}x", "get", "pods", code=1)
    assert "You must be logged in to the server (Unauthorized)" in wrong


def server(settings: Settings) -> tuple[str, ...]:
    return ("--server", settings.server, "--certificate-authority", str(settings.pki / "ca.crt"))


def test_default_roles(run: Kubectl) -> None:
    names = run("get", "clusterroles", "-o", "name").split()
    assert {f"clusterrole.rbac.authorization.k8s.io/{name}" for name in ("cluster-admin", "admin", "edit", "view")} <= {
        *names
    }
    assert "system:masters" in run("describe", "clusterrolebinding", "cluster-admin")


def test_roles_reconciled_from_a_file(run: Kubectl, tmp_path: Path) -> None:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "file"},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["nodes"]}],
    }
    file = tmp_path / "role.yaml"
    file.write_text(yaml.safe_dump(role))
    assert "reconciled" in run("auth", "reconcile", "-f", str(file))
    assert "nodes" in run("describe", "clusterrole", "file")
