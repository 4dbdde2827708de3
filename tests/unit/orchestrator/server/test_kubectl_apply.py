"""Server-side apply and its neighbours with real kubectls, the newest and one of the older."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.api import live_api
from tests.fakes.kubectl import admin_config

pytestmark = pytest.mark.kubectl

Kubectl = Callable[..., str]
#: To edit, and to diff on its own side, kubectl before 1.30 must have OpenAPI v2.
WITHOUT_OPENAPI_V2 = pytest.mark.parametrize("run", ["", "1.30"], indirect=True)
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: nginx, image: nginx, ports: [{containerPort: 80}]}]
"""
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: conf}
data: {a: '1', b: '1'}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder with a kubeconfig for the admin of a running API server."""
    home = tmp_path_factory.mktemp("home")
    with live_api(home) as (_, settings):
        admin_config(settings)
        yield home


@pytest.fixture(params=["", "1.28"])
def run(request: pytest.FixtureRequest, kubectl: Path, home: Path) -> Kubectl:
    """Runs kubectl; standard output, and standard error after it. `fails` expects a failure."""
    program = kubectl.with_name(f"kubectl.{request.param}") if request.param else kubectl
    if not program.exists():
        pytest.skip(f"no {program.name} beside the newest one")
    # Older ones validate by OpenAPI v2 before they send anything.
    validation = ["--validate=false"] if request.param else []

    def run(*arguments: str, stdin: str = "", fails: bool = False, **environment: str) -> str:
        environment = {**os.environ, "KUBECONFIG": str(home / "kubeconfig"), "HOME": str(home), **environment}
        given = [*arguments, *(validation if arguments[0] in ("apply", "create", "replace") else [])]
        done = subprocess.run(
            [program, *given], input=stdin, env=environment, capture_output=True, text=True, timeout=30
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def clean() -> None:
        run("delete", "deploy,cm", "web", "conf", "--ignore-not-found")

    request.addfinalizer(clean)
    return run


def owners(run: Kubectl, what: str) -> dict[tuple[str, str], Any]:
    shown = json.loads(run("get", what, "-o", "json", "--show-managed-fields"))
    return {(entry["manager"], entry["operation"]): entry["fieldsV1"] for entry in shown["metadata"]["managedFields"]}


def apply(run: Kubectl, manifest: str, *arguments: str, fails: bool = False) -> str:
    return run("apply", "--server-side", "-f", "-", *arguments, stdin=manifest, fails=fails)


def test_apply_again_and_scale_away(run: Kubectl) -> None:
    assert apply(run, MANIFEST) == "deployment.apps/web serverside-applied\n"
    version = run("get", "deploy/web", "-o", "jsonpath={.metadata.resourceVersion}")
    apply(run, MANIFEST)
    assert run("get", "deploy/web", "-o", "jsonpath={.metadata.resourceVersion}") == version
    run("scale", "deploy/web", "--replicas=5")
    said = apply(run, MANIFEST, fails=True)
    assert "error: Apply failed with 1 conflict: conflict with " in said
    assert ' with subresource "scale" using apps/v1: .spec.replicas\n' in said
    assert apply(run, MANIFEST, "--force-conflicts") == "deployment.apps/web serverside-applied\n"
    assert run("get", "deploy/web", "-o", "jsonpath={.spec.replicas}") == "2"
    assert list(owners(run, "deploy/web")) == [("kubectl", "Apply")]
    assert "managedFields" not in run("get", "deploy/web", "-o", "yaml")


def test_from_client_side_apply_to_server_side(run: Kubectl) -> None:
    assert run("apply", "-f", "-", stdin=MANIFEST) == "deployment.apps/web created\n"
    assert set(owners(run, "deploy/web")) == {("kubectl-client-side-apply", "Update")}
    without_ports = MANIFEST.replace(", ports: [{containerPort: 80}]", "").replace("replicas: 2", "replicas: 4")
    assert apply(run, without_ports, "--force-conflicts") == "deployment.apps/web serverside-applied\n"
    assert set(owners(run, "deploy/web")) == {("kubectl", "Apply"), ("kubectl-last-applied", "Apply")}
    ports = "jsonpath={.spec.replicas}{.spec.template.spec.containers[0].ports}"
    assert run("get", "deploy/web", "-o", ports) == "4", "what client-side apply set is removed as well"
    assert apply(run, MANIFEST) == "deployment.apps/web serverside-applied\n"


def test_a_conflict_with_client_side_apply(run: Kubectl) -> None:
    run("apply", "-f", "-", stdin=CONFIG)
    said = apply(run, CONFIG.replace("a: '1'", "a: '2'"), "--field-manager=other", fails=True)
    assert 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.a\n' in said


def test_many_managers_of_one_map(run: Kubectl) -> None:
    apply(run, CONFIG, "--field-manager=ann")
    apply(run, CONFIG.replace("a: '1', b: '1'", "b: '1', c: '1'"), "--field-manager=bob")
    apply(run, CONFIG.replace("a: '1', b: '1'", "d: '1'"), "--field-manager=ann")
    assert run("get", "cm/conf", "-o", "jsonpath={.data}") == '{"b":"1","c":"1","d":"1"}'


def test_mistakes(run: Kubectl) -> None:
    said = apply(run, MANIFEST.replace("replicas: 2", "replica: 2"), fails=True)
    assert ".spec.replica: field not declared in schema" in said
    said = apply(run, MANIFEST.replace("replicas: 2", "replicas: many"), fails=True)
    assert "failed to create typed patch object (default/web; apps/v1, Kind=Deployment)" in said


@WITHOUT_OPENAPI_V2
def test_dry_run_and_diff(run: Kubectl) -> None:
    assert apply(run, CONFIG, "--dry-run=server") == "configmap/conf serverside-applied (server dry run)\n"
    apply(run, CONFIG)
    assert run("diff", "--server-side", "-f", "-", stdin=CONFIG) == ""
    changed = CONFIG.replace("a: '1'", "a: '2'")
    assert '-  a: "1"\n+  a: "2"\n' in run("diff", "--server-side", "-f", "-", stdin=changed, fails=True)
    assert '-  a: "1"\n+  a: "2"\n' in run("diff", "-f", "-", stdin=changed, fails=True)
    assert run("get", "cm/conf", "-o", "jsonpath={.data.a}") == "1"


@WITHOUT_OPENAPI_V2
def test_edit_patch_and_replace(run: Kubectl) -> None:
    run("create", "-f", "-", stdin=CONFIG)
    assert run("edit", "cm/conf", KUBE_EDITOR="sed -i 's/^  a:.*/  a: edited/'") == "configmap/conf edited\n"
    assert "f:a" in owners(run, "cm/conf")["kubectl-edit", "Update"]["f:data"]
    patches = {
        "strategic": '{"data":{"b":"2"}}',
        "merge": '{"data":{"b":null,"c":"3"}}',
        "json": '[{"op":"test","path":"/data/c","value":"3"},{"op":"add","path":"/data/d","value":"4"}]',
    }
    for kind, patch in patches.items():
        assert run("patch", "cm/conf", f"--type={kind}", "-p", patch) == "configmap/conf patched\n"
    assert run("get", "cm/conf", "-o", "jsonpath={.data}") == '{"a":"edited","c":"3","d":"4"}'
    assert set(owners(run, "cm/conf")["kubectl-patch", "Update"]["f:data"]) == {"f:c", "f:d"}
    uid = run("get", "cm/conf", "-o", "jsonpath={.metadata.uid}")
    assert run("replace", "-f", "-", stdin=CONFIG) == "configmap/conf replaced\n"
    assert run("get", "cm/conf", "-o", "jsonpath={.metadata.uid}") == uid
    assert run("replace", "--force", "-f", "-", stdin=CONFIG).endswith("configmap/conf replaced\n")
    assert run("get", "cm/conf", "-o", "jsonpath={.metadata.uid}") != uid


def test_deleting_what_selectors_choose(run: Kubectl) -> None:
    for name, label in (("one", "x"), ("two", "x"), ("three", "z")):
        apply(run, CONFIG.replace("name: conf", f"name: {name}, labels: {{l: {label}}}"))
    run(
        "delete",
        "--raw",
        "/api/v1/namespaces/default/configmaps?labelSelector=l%3Dx&fieldSelector=metadata.name%21%3Dtwo",
    )
    assert run("get", "cm", "-l", "l", "-o", "name").split() == ["configmap/three", "configmap/two"]
    run("delete", "cm", "-l", "l in (x, z)")
    assert "No resources found" in run("get", "cm", "-l", "l")


def test_deleting_under_a_precondition(run: Kubectl, home: Path) -> None:
    apply(run, CONFIG)
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "other"}}
    file = home / "options.json"
    path = "/api/v1/namespaces/default/configmaps/conf"
    file.write_text(json.dumps(options))
    assert "the UID in the precondition (other) does not match" in run(
        "delete", "--raw", path, "-f", str(file), fails=True
    )
    options["preconditions"] = {"resourceVersion": "1"}
    file.write_text(json.dumps(options))
    assert "the ResourceVersion in the precondition (1)" in run("delete", "--raw", path, "-f", str(file), fails=True)
    meta = json.loads(run("get", "cm/conf", "-o", "json"))["metadata"]
    options["preconditions"] = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
    file.write_text(json.dumps(options))
    run("delete", "--raw", path, "-f", str(file))
    assert "NotFound" in run("get", "cm/conf", fails=True)
