"""A person gets a certificate by kubectl, and a new node by its bootstrap token."""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from orchestrator.api.certificates import KUBELET_CLIENT
from orchestrator.api.meta import Object
from orchestrator.main import master
from orchestrator.store.memory import MemoryStore
from orchestrator.util.clock import SystemClock
from orchestrator.util.settings import Settings
from tests.fakes.api import cluster_home
from tests.fakes.certificates import csr, key_pem, new_key, request_pem

pytestmark = pytest.mark.kubectl

Run = Callable[..., str]
API = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = cluster_home(tmp_path_factory.mktemp("home"))
    with master(settings, ("api", "controllers"), MemoryStore(SystemClock())):
        yield settings


@pytest.fixture
def run(kubectl: Path, settings: Settings) -> Run:
    def run(*arguments: str, who: tuple[str, ...] = (), stdin: str = "") -> str:
        """As the admin, unless `who` has other credentials."""
        pki = settings.pki
        admin = (f"--client-certificate={pki / 'admin.crt'}", f"--client-key={pki / 'admin.key'}")
        server = ("--kubeconfig=/dev/null", "--server", settings.server, f"--certificate-authority={pki / 'ca.crt'}")
        command = [str(kubectl), *server, *(who or admin), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, input=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def issued(run: Run, name: str, file: Path) -> Path:
    deadline = time.monotonic() + 10
    while not (found := run("get", "csr", name, "-o", "jsonpath={.status.certificate}")):
        assert time.monotonic() < deadline
    file.write_bytes(base64.b64decode(found))
    return file


def manifest(made: Object) -> str:
    return yaml.safe_dump({**API, **made})


def test_a_person_gets_a_certificate(run: Run, tmp_path: Path) -> None:
    key = new_key()
    (tmp_path / "jane.key").write_bytes(key_pem(key))
    run("create", "-f", "-", stdin=manifest(csr(request_pem("jane", "dev", key=key), expirationSeconds=86400)))
    head, row = run("get", "csr").splitlines()
    assert head.split() == ["NAME", "AGE", "SIGNERNAME", "REQUESTOR", "REQUESTEDDURATION", "CONDITION"]
    assert row.split()[2:] == ["kubernetes.io/kube-apiserver-client", "kubernetes-admin", "24h", "Pending"]
    assert "certificatesigningrequest.certificates.k8s.io/jane approved" in run("certificate", "approve", "jane")
    certificate = issued(run, "jane", tmp_path / "jane.crt")
    assert run("get", "csr", "jane", "--no-headers").split()[-1] == "Approved,Issued"
    who = (f"--client-certificate={certificate}", f"--client-key={tmp_path / 'jane.key'}")
    told = run("auth", "whoami", "-o", "jsonpath={.status.userInfo.username} {.status.userInfo.groups}", who=who)
    assert told == 'jane ["dev","system:authenticated"]'


def test_a_request_is_denied(run: Run) -> None:
    run("create", "-f", "-", stdin=manifest(csr(request_pem("joe"), "joe")))
    run("certificate", "deny", "joe")
    assert run("get", "csr", "joe", "--no-headers").split()[-1] == "Denied"
    assert "Denied" in run("describe", "csr", "joe")


def test_a_bootstrap_token_makes_a_node(run: Run, tmp_path: Path) -> None:
    content = {"token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true"}
    literals = [f"--from-literal={field}={value}" for field, value in content.items()]
    names = ("bootstrap-token-abcdef", "-n", "kube-system", "--type", "bootstrap.kubernetes.io/token")
    run("create", "secret", "generic", *names, *literals)
    who = ("--token", "abcdef.0123456789abcdef")
    made = csr(request_pem("system:node:n9", "system:nodes"), "n9", KUBELET_CLIENT)
    run("create", "-f", "-", who=who, stdin=manifest(made))
    issued(run, "n9", tmp_path / "n9.crt")
    assert "system:bootstrap:abcdef" in run("get", "csr", "n9")
