"""The real kubectl against the real server, before there are nodes and controllers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from orchestrator.api.groups.core import CONFIG_MAP
from orchestrator.client.client import Client
from orchestrator.server.local import LocalTransport
from orchestrator.server.serve import ApiServer
from orchestrator.util.settings import Settings
from tests.fakes.api import ADMIN, live_api
from tests.fakes.kubectl import admin_config

from .objects import config_map

pytestmark = pytest.mark.kubectl

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
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, nodePort: 30080}]}
"""

Live = tuple[ApiServer, Settings]
Kubectl = Callable[..., str]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_api(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture(scope="module")
def config(live: Live) -> Path:
    """A kubeconfig for the admin."""
    return admin_config(live[1])


@pytest.fixture
def run(kubectl: Path, config: Path) -> Kubectl:
    """Runs kubectl; standard output, and standard error after it. `fails` expects a failure."""

    def run(*arguments: str, stdin: str = "", fails: bool = False, program: Path = kubectl) -> str:
        environment = {**os.environ, "KUBECONFIG": str(config), "HOME": str(config.parent)}
        done = subprocess.run(
            [program, *arguments], input=stdin, env=environment, capture_output=True, text=True, timeout=30
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_the_life_of_a_deployment(run: Kubectl) -> None:
    assert run("apply", "-f", "-", stdin=MANIFEST) == "deployment.apps/web created\nservice/web created\n"
    assert run("apply", "-f", "-", stdin=MANIFEST) == "deployment.apps/web unchanged\nservice/web unchanged\n"
    changed = MANIFEST.replace("replicas: 2", "replicas: 3")
    assert "-  replicas: 2\n+  replicas: 3\n" in run("diff", "-f", "-", stdin=changed, fails=True)
    assert run("apply", "-f", "-", stdin=changed).startswith("deployment.apps/web configured")
    assert run("scale", "deploy/web", "--replicas=5") == "deployment.apps/web scaled\n"
    assert run("set", "image", "deploy/web", "nginx=nginx:2") == "deployment.apps/web image updated\n"
    assert run("patch", "deploy", "web", "-p", '{"spec":{"paused":true}}') == "deployment.apps/web patched\n"
    shown = yaml.safe_load(run("get", "deploy", "web", "-o", "yaml"))
    assert (shown["spec"]["replicas"], shown["spec"]["paused"], shown["metadata"]["generation"]) == (5, True, 5)
    rows = run("get", "deploy,svc", "--no-headers").splitlines()
    assert rows[0].split()[:2] == ["deployment.apps/web", "0/5"]
    assert rows[-1].split()[:2] == ["service/web", "NodePort"]
    assert "80:30080/TCP" in rows[-1]
    run("delete", "-f", "-", stdin=MANIFEST)
    assert run("get", "deploy,svc", "web", fails=True).count("NotFound") == 2


def test_create_replace_label_delete(run: Kubectl) -> None:
    body = "{apiVersion: v1, kind: ConfigMap, metadata: {name: conf}, data: {a: '1'}}"
    assert run("create", "-f", "-", stdin=body) == "configmap/conf created\n"
    assert "AlreadyExists" in run("create", "-f", "-", stdin=body, fails=True)
    assert run("replace", "-f", "-", stdin=body.replace("'1'", "'2'")) == "configmap/conf replaced\n"
    assert run("label", "cm", "conf", "x=y") == "configmap/conf labeled\n"
    assert run("get", "cm", "-l", "x=y", "-o", "jsonpath={.items[*].data.a}") == "2"
    assert 'configmap "conf" deleted' in run("delete", "cm", "conf")
    assert run("get", "cm", "conf", fails=True) == ('Error from server (NotFound): configmaps "conf" not found\n')


CREATED = """
deployment web --image=nginx --replicas=2 --port=80 -> deployment.apps/web
deployment none --image=nginx --replicas=0 -> deployment.apps/none
configmap a --from-literal=k=v -> configmap/a
namespace x{version} -> namespace/x{version}
secret generic s --from-literal=p=w -> secret/s
service clusterip ci --tcp=80:8080 -> service/ci
service nodeport np --tcp=80:http --node-port=30099 -> service/np
service loadbalancer lb --tcp=80 -> service/lb
service externalname en --external-name=example.com -> service/en
serviceaccount me -> serviceaccount/me
"""
#: What of it is stored, as kubectl's jsonpath shows it.
STORED = {
    "deploy/web": (
        "{.spec.replicas} {.spec.template.spec.containers[0].ports}",
        '2 [{"containerPort":80,"protocol":"TCP"}]',
    ),
    "deploy/none": ("{.spec.replicas} {.spec.strategy.type}", "0 RollingUpdate"),
    "cm/a": ("{.data}", '{"k":"v"}'),
    "secret/s": ("{.data.p} {.type}", "dw== Opaque"),
    "svc/ci": ("{.spec.ports[0].name} {.spec.ports[0].targetPort}", "80-8080 8080"),
    "svc/np": ("{.spec.ports[0].nodePort} {.spec.ports[0].targetPort}", "30099 http"),
    "svc/en": ("{.spec.externalName}", "example.com"),
}


@pytest.mark.parametrize("version", ["1.32", "1.33"])
def test_create_in_protobuf(run: Kubectl, kubectl: Path, version: str) -> None:
    program = kubectl.with_name(f"kubectl.{version}")
    if not program.exists():
        pytest.skip(f"no kubectl {version} beside the newest one")
    # Nothing here finishes the deletion of a namespace, so each version has its own.
    for line in CREATED.strip().format(version=version.replace(".", "-")).splitlines():
        what, _, made = line.partition(" -> ")
        assert run("create", *what.split(), program=program) == f"{made} created\n"
    for name, (path, stored) in STORED.items():
        assert run("get", name, "-o", f"jsonpath={path}", program=program) == stored
    assert "already exists" in run("create", "sa", "me", program=program, fails=True)
    kinds = ["deploy/web", "deploy/none", "cm/a", "secret/s", "svc/ci", "svc/np", "svc/lb", "svc/en", "sa/me"]
    assert run("delete", *kinds, program=program).count("deleted") == len(kinds)


def test_kinds_that_are_not_served_are_not_found(run: Kubectl) -> None:
    path = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
    said = run("create", "--raw", path, "-f", "-", stdin="{}", fails=True)
    assert "the server could not find the requested resource" in said


def test_mistakes_are_told(run: Kubectl) -> None:
    unknown = MANIFEST.replace("replicas: 2", "replica: 2")
    assert 'unknown field "spec.replica"' in run("apply", "-f", "-", stdin=unknown, fails=True)
    wrong = "{apiVersion: v1, kind: ConfigMap, metadata: {name: Bad_Name}}"
    said = run("create", "-f", "-", stdin=wrong, fails=True)
    assert said.startswith('The ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value')
    assert 'namespaces "nowhere" not found' in run("run", "p", "--image=x", "-n", "nowhere", fails=True)
    assert "the server doesn't have a resource type" in run("get", "widgets", fails=True)


def test_watching(run: Kubectl, live: Live) -> None:
    client = Client(LocalTransport(live[0].resources, ADMIN))
    client.create(CONFIG_MAP, config_map("seen"))
    shown = run("get", "cm", "seen", "-w", "--request-timeout=1s", "-o", "name", fails=False)
    assert shown.splitlines()[0] == "configmap/seen"


def test_a_pod_from_the_command_line(run: Kubectl) -> None:
    assert run("run", "p", "--image=nginx") == "pod/p created\n"
    assert run("get", "pod", "p", "-o", "wide", "--no-headers").split()[:3] == ["p", "0/1", "Pending"]
    assert "does not have a host assigned" in run("logs", "p", fails=True)
    assert "Pending" in run("describe", "pod", "p")
    assert 'pod "p" deleted' in run("delete", "pod", "p")


def test_discovery_and_documents(run: Kubectl) -> None:
    names = {line.split()[0] for line in run("api-resources", "--no-headers").splitlines()}
    assert {"pods", "services", "deployments", "endpointslices", "leases"} <= names
    assert "FIELD: replicas <integer>" in run("explain", "deploy.spec.replicas")
    assert "v1.33" in run("version")


def test_an_older_kubectl_uses_openapi_v2(run: Kubectl, kubectl: Path) -> None:
    old = kubectl.with_name("kubectl.1.27")
    if not old.exists():
        pytest.skip("no kubectl 1.27 beside the newest one")
    assert run("apply", "-f", "-", stdin=MANIFEST, program=old).startswith("deployment.apps/web created\n")
    changed = MANIFEST.replace("replicas: 2", "replicas: 3")
    assert run("apply", "-f", "-", stdin=changed, program=old).startswith("deployment.apps/web configured\n")
    unknown = MANIFEST.replace("replicas: 2", "replica: 2")
    assert 'unknown field "spec.replica"' in run("apply", "-f", "-", stdin=unknown, program=old, fails=True)
    run("delete", "-f", "-", stdin=MANIFEST, program=old)
    assert run("create", "-f", "-", stdin=MANIFEST, program=old).startswith("deployment.apps/web created\n")
    run("delete", "-f", "-", stdin=MANIFEST, program=old)
    said = run("explain", "deploy.spec.template.spec.containers", "--output=plaintext-openapiv2", program=old)
    assert "RESOURCE: containers <[]Object>" in said
    assert "livenessProbe\t<Object>" in said


def test_an_unknown_kind_has_no_match(run: Kubectl, kubectl: Path) -> None:
    for program in (kubectl, kubectl.with_name("kubectl.1.27")):
        if program.exists():
            widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}"
            assert 'no matches for kind "Widget"' in run("create", "-f", "-", stdin=widget, program=program, fails=True)


def test_an_older_kubectl_reads(run: Kubectl, kubectl: Path) -> None:
    old = kubectl.with_name("kubectl.1.27")
    if not old.exists():
        pytest.skip("no kubectl 1.27 beside the newest one")
    assert run("get", "ns", "default", "--no-headers", program=old).split()[:2] == ["default", "Active"]
    assert "deployments" in run("api-resources", program=old)
