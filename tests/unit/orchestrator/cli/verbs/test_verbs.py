"""The verbs against a server that listens, before there are nodes and controllers."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from orchestrator.api.groups import apps, core
from orchestrator.api.meta import is_deleting
from orchestrator.cli.main import cli
from orchestrator.cli.verbs import watching
from orchestrator.client.client import Client
from orchestrator.server.local import LocalTransport
from tests.fakes.api import ADMIN, live_api

DEPLOYMENT = """
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
MANIFEST = (
    DEPLOYMENT
    + """
---
apiVersion: v1
kind: Pod
metadata: {name: one, labels: {app: web}}
spec: {containers: [{name: main, image: nginx}]}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {password: secret}
"""
)

Podlab = Callable[..., Result]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """An API server's; `podlab` finds it as the cluster of the default name."""
    home = tmp_path / "podlab"
    home.mkdir()
    monkeypatch.setenv("PODLAB_HOME", str(tmp_path))
    with live_api(home) as (server, _):
        yield Client(LocalTransport(server.resources, ADMIN))


@pytest.fixture
def podlab(client: Client) -> Podlab:
    """Run a command line; its exit code is to be 0 unless `fails`."""

    def run(*arguments: str, stdin: str = "", fails: bool = False) -> Result:
        result = CliRunner().invoke(cli, arguments, input=stdin, prog_name="podlab")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert bool(result.exit_code) == fails, result.output
        return result

    return run


@pytest.fixture
def applied(podlab: Podlab) -> Podlab:
    podlab("apply", "-f", "-", stdin=MANIFEST)
    return podlab


def test_apply_says_what_it_did(podlab: Podlab) -> None:
    dry = podlab("apply", "-f", "-", "--dry-run=server", stdin=MANIFEST).stdout
    assert dry.splitlines()[0] == "deployment.apps/web created (server dry run)"
    created = podlab("apply", "-f", "-", stdin=MANIFEST).stdout
    assert created == "deployment.apps/web created\npod/one created\nsecret/key created\n"
    changed = MANIFEST.replace("replicas: 2", "replicas: 3")
    assert podlab("apply", "-f", "-", stdin=changed).stdout == (
        "deployment.apps/web configured\npod/one unchanged\nsecret/key unchanged\n"
    )


def test_apply_names_the_document_and_goes_on(podlab: Podlab) -> None:
    broken = DEPLOYMENT.replace("replicas: 2", "replica: 2") + "---\n{apiVersion: v1, kind: Nope, metadata: {name: n}}"
    broken += "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: fine}}\n"
    result = podlab("apply", "-f", "-", stdin=broken, fails=True)
    assert result.stdout == "configmap/fine created\n"
    assert re.search(r"^podlab: stdin, document 1: .*replica\b", result.stderr, re.M)
    assert 'stdin, document 2: no matches for kind "Nope" in version "v1"' in result.stderr


def test_a_conflict_can_be_forced(applied: Podlab, client: Client) -> None:
    scaled = client.get(apps.DEPLOYMENT, "web", "default")
    scaled["spec"]["replicas"] = 7
    client.update(apps.DEPLOYMENT, scaled)
    refused = applied("apply", "-f", "-", stdin=DEPLOYMENT, fails=True).stderr
    assert "--force-conflicts" in refused
    assert applied("apply", "-f", "-", "--force-conflicts", stdin=DEPLOYMENT).stdout.endswith("configured\n")
    assert client.get(apps.DEPLOYMENT, "web", "default")["spec"]["replicas"] == 2


def test_a_namespace_that_contradicts(podlab: Podlab) -> None:
    text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}"
    assert (
        "'default' is not 'kube-public'"
        in podlab("apply", "-n", "kube-public", "-f", "-", stdin=text, fails=True).stderr
    )


def test_get_tables(applied: Podlab) -> None:
    rows = applied("get", "po").stdout.splitlines()
    assert [line.split()[:3] for line in rows] == [["NAME", "READY", "STATUS"], ["one", "0/1", "Pending"]]
    several = applied("get", "deploy,po", "-l", "app=web").stdout
    assert "\n\n" not in several  # the deployment itself has no such label
    everything = applied("get", "all", "-A").stdout
    assert "default     pod/one" in everything
    assert "deployment.apps/web" in everything
    assert "kubernetes.io/metadata.name=default" in applied("get", "ns", "default", "--show-labels").stdout


def test_get_nothing_is_no_error(podlab: Podlab) -> None:
    assert podlab("get", "pods").stderr == "No resources found in default namespace.\n"
    assert podlab("get", "pods", "-A").stderr == "No resources found\n"
    assert podlab("get", "pod", "none", "--ignore-not-found").output == ""


def test_get_some_of_what_was_asked(applied: Podlab) -> None:
    result = applied("get", "pod", "one", "two", fails=True)
    assert result.stdout.splitlines()[1].startswith("one")
    assert result.stderr == 'podlab: pods "two" not found\n'


def test_get_objects(applied: Podlab) -> None:
    pod = yaml.safe_load(applied("get", "pod/one", "-o", "yaml").stdout)
    assert (pod["kind"], pod["metadata"]["name"]) == ("Pod", "one")
    assert "managedFields" not in pod["metadata"]
    assert "managedFields" in applied("get", "pod/one", "-o", "yaml", "--show-managed-fields").stdout
    assert json.loads(applied("get", "pods", "-o", "json").stdout)["items"][0]["kind"] == "Pod"
    assert applied("get", "deploy,secret", "-o", "name").stdout == "deployment.apps/web\nsecret/key\n"
    assert applied("get", "po", "-o", "jsonpath={.items[*].spec.containers[*].image}").stdout == "nginx"
    names = applied("get", "ns", "--sort-by=.metadata.name", "--no-headers", "-o", "custom-columns=N:.metadata.name")
    assert names.stdout.split() == sorted(names.stdout.split())


def test_get_in_colour(applied: Podlab) -> None:
    assert "\x1b[" not in applied("get", "po").stdout
    coloured = CliRunner().invoke(cli, ["--color", "always", "get", "po"])
    assert click.style("Pending", fg="yellow") in coloured.stdout
    assert "\x1b[" not in CliRunner().invoke(cli, ["get", "po"], color=True, env={"NO_COLOR": "1"}).stdout


def test_watch(applied: Podlab, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there and what comes, in one table, until ^C."""
    lines: list[str] = []
    seen = threading.Event()

    def say(text: Iterator[str]) -> None:
        lines.extend(text)
        seen.set()
        if any(line.startswith("two") for line in lines):
            raise KeyboardInterrupt

    def create() -> None:
        assert seen.wait(10)
        spec = {"containers": [{"name": "main", "image": "nginx"}]}
        client.create(core.POD, {"metadata": {"name": "two", "namespace": "default"}, "spec": spec})

    monkeypatch.setattr(watching, "_say", say)
    creator = threading.Thread(target=create)
    creator.start()
    result = CliRunner().invoke(cli, ["get", "pods", "-w"])
    creator.join()
    assert result.exit_code == 130
    assert result.output == ""
    assert [line.split()[0] for line in map(click.unstyle, lines)] == ["NAME", "one", "two"]


def test_describe(applied: Podlab) -> None:
    text = applied("describe", "deploy/web", "pod/one", "secret/key", "node/none", fails=True)
    assert "Replicas:" in text.stdout
    assert "password:  6 bytes" in text.stdout
    assert "secret\n" not in text.stdout
    assert text.stdout.count("Events:") == 3
    assert 'nodes "none" not found' in text.stderr


def test_delete(applied: Podlab) -> None:
    assert "say which pods" in applied("delete", "pods", fails=True).stderr
    assert applied("delete", "pod", "one", "--force").stdout == 'pod "one" force deleted\n'
    assert applied("delete", "-f", "-", "--ignore-not-found", stdin=MANIFEST).stdout == (
        'deployment.apps "web" deleted\nsecret "key" deleted\n'
    )
    assert 'pods "one" not found' in applied("delete", "pod/one", fails=True).stderr
    assert applied("delete", "secrets", "--all").stderr == "No resources found\n"


def test_delete_waits(podlab: Podlab, client: Client) -> None:
    for name in ("held", "stuck"):
        client.create(core.CONFIG_MAP, {"metadata": {"name": name, "namespace": "default", "finalizers": ["lab/x"]}})
    assert "timed out" in podlab("delete", "cm", "stuck", "--timeout=100ms", fails=True).stderr

    def release() -> None:
        while not is_deleting(client.get(core.CONFIG_MAP, "held", "default")):
            time.sleep(0.01)
        client.patch(core.CONFIG_MAP, "held", {"metadata": {"finalizers": None}}, "default")

    releasing = threading.Thread(target=release)
    releasing.start()
    assert podlab("delete", "cm", "held").stdout == 'configmap "held" deleted\n'
    releasing.join()
    assert 'configmaps "held" not found' in podlab("get", "cm", "held", fails=True).stderr


def test_scale(applied: Podlab, client: Client) -> None:
    assert applied("scale", "deploy/web", "--replicas=5").stdout == "deployment.apps/web scaled\n"
    assert client.get(apps.DEPLOYMENT, "web", "default")["spec"]["replicas"] == 5
    wrong = applied("scale", "deploy", "web", "--replicas=1", "--current-replicas=9", fails=True)
    assert wrong.stderr == "podlab: deployment.apps/web: Expected replicas to be 9, was 5\n"
    assert "cannot be scaled" in applied("scale", "pod/one", "--replicas=1", fails=True).stderr


def test_pause_and_resume(applied: Podlab, client: Client) -> None:
    assert applied("rollout", "pause", "deploy/web").stdout == "deployment.apps/web paused\n"
    assert client.get(apps.DEPLOYMENT, "web", "default")["spec"]["paused"] is True
    assert "already paused" in applied("rollout", "pause", "deploy/web", fails=True).stderr
    assert "paused" in applied("rollout", "restart", "deploy/web", fails=True).stderr
    assert applied("rollout", "resume", "deploy/web").stdout == "deployment.apps/web resumed\n"
    assert "have no rollouts" in applied("rollout", "status", "pod/one", fails=True).stderr
    assert "timed out" in applied("rollout", "status", "deploy/web", "--timeout=100ms", fails=True).stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["logs", "master"], "podlab cluster-logs master"),
        (["logs", "one"], "does not have a host assigned"),
        (["logs"], "say whose log"),
        (["exec", "one", "--", "ls"], "does not have a host assigned"),
        (["exec", "secret/key", "--", "ls"], "selects no pods"),
        (["port-forward", "one", "80"], "is not running but Pending"),
        (["top", "teapots"], "No such command"),
        (["get", "pods", "-o", "xml"], "there is no output 'xml'"),
        (["get", "pods", "-l", "a=("], "unable to parse requirement"),
    ],
)
def test_what_cannot_be_done_is_said(applied: Podlab, arguments: list[str], sentence: str) -> None:
    assert sentence in applied(*arguments, fails=True).stderr


def test_no_cluster(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["get", "pods"], env={"PODLAB_HOME": str(tmp_path)})
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"podlab: there is no cluster in {tmp_path / 'podlab'}: run `podlab up` first\n"


def test_a_cluster_that_is_down(tmp_path: Path) -> None:
    home = tmp_path / "podlab"
    home.mkdir()
    with live_api(home):
        pass
    result = CliRunner().invoke(cli, ["get", "pods"], env={"PODLAB_HOME": str(tmp_path)})
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr
    assert "podlab up" in result.stderr
