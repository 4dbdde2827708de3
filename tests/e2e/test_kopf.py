"""An operator written with kopf, unmodified, against a whole master: no container is needed for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import kubernetes
import pytest
from kubernetes.client import ApiException

from orchestrator.api.meta import Object
from tests.e2e.harness import ROOT, eventually
from tests.fakes.greeter import GROUP, PLURAL, VERSION
from tests.fakes.live_master import LiveMaster, live_master

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{PLURAL}.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": PLURAL, "singular": "greeting", "kind": "Greeting"},
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"text": {"type": "string"}}},
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            }
        ],
    },
}
HELLO = {"apiVersion": f"{GROUP}/{VERSION}", "kind": "Greeting", "metadata": {"name": "hello"}, "spec": {"text": "hi"}}


@pytest.fixture
def under_test(tmp_path: Path) -> Iterator[LiveMaster]:
    with live_master(tmp_path) as master:
        yield master


@contextmanager
def operator(master: LiveMaster) -> Iterator[None]:
    log = (master.home / "operator.log").open("a")
    command = [sys.executable, "-m", "kopf", "run", "--standalone", "--namespace=default", "tests/fakes/greeter.py"]
    environment = {**master.environment, "PYTHONPATH": str(ROOT)}
    with log, subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


def test_the_life_of_a_resource_in_the_hands_of_its_operator(under_test: LiveMaster) -> None:
    client = kubernetes.config.new_client_from_config(str(under_test.kubeconfig))
    core, custom = kubernetes.client.CoreV1Api(client), kubernetes.client.CustomObjectsApi(client)
    where = (GROUP, VERSION, "default", PLURAL)

    def status() -> Object:
        found: Object = custom.get_namespaced_custom_object(*where, "hello")
        return found.get("status") or {}

    def text() -> str | None:
        try:
            return str(core.read_namespaced_config_map("hello", "default").data["text"])
        except ApiException as error:
            assert error.status == 404
            return None

    kubernetes.client.ApiextensionsV1Api(client).create_custom_resource_definition(CRD)
    eventually(lambda: _is_served(custom))
    with operator(under_test):
        made = custom.create_namespaced_custom_object(*where, HELLO)
        eventually(lambda: (status().get("created") or {}).get("text") == "hi")
        child = core.read_namespaced_config_map("hello", "default")
        assert child.metadata.owner_references[0].uid == made["metadata"]["uid"]
        assert text() == "hi"
        eventually(lambda: status().get("ticks") == 3)
        custom.patch_namespaced_custom_object(*where, "hello", {"spec": {"text": "hello"}})
        eventually(lambda: text() == "hello" and status().get("text") == "hello")
        assert "finalizers" in custom.get_namespaced_custom_object(*where, "hello")["metadata"]
    assert "resumed" not in status()
    with operator(under_test):
        eventually(lambda: status().get("resumed"))
        custom.delete_namespaced_custom_object(*where, "hello")
        eventually(lambda: not custom.list_namespaced_custom_object(*where)["items"])
    assert core.read_namespaced_config_map("hello-farewell", "default")
    # The child goes with its owner, which the garbage collector does.
    eventually(lambda: text() is None)


def _is_served(custom: kubernetes.client.CustomObjectsApi) -> bool:
    try:
        custom.list_namespaced_custom_object(GROUP, VERSION, "default", PLURAL)
    except ApiException as error:
        assert error.status == 404
        return False
    return True
