"""kubectl, oldest and newest, and the Python client, on kinds that a user defines and on kinds with versions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import kubernetes
import pytest
import yaml
from kubernetes.dynamic import DynamicClient

from orchestrator.api.meta import Object
from tests.conftest import missing
from tests.e2e.harness import eventually
from tests.fakes.custom import GROUP, NAME, crontab, definition, version
from tests.fakes.live_master import LiveMaster, live_master

pytestmark = pytest.mark.kubectl

LENIENT = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
BETA = version("v1beta1", storage=False, schema={"openAPIV3Schema": LENIENT}, selectableFields=[])


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveMaster]:
    with live_master(tmp_path_factory.mktemp("master")) as found:
        yield found


@pytest.fixture(params=["1.27", "1.33"])
def program(request: pytest.FixtureRequest, kubectl: Path) -> Path:
    found = kubectl.with_name(f"kubectl.{request.param}")
    if not found.exists():
        missing(f"kubectl {request.param}")
    return found


class Shell:
    """kubectl with the definition applied."""

    def __init__(self, master: LiveMaster, program: Path) -> None:
        self.master, self.program = master, program

    def __call__(self, *arguments: str, stdin: Object | None = None) -> str:
        return self.master.kubectl(self.program, *arguments, stdin=stdin).stdout

    def fails(self, *arguments: str, stdin: Object | None = None) -> str:
        done = self.master.kubectl(self.program, *arguments, stdin=stdin, check=False)
        assert done.returncode != 0
        return done.stderr


@pytest.fixture
def run(master: LiveMaster, program: Path) -> Iterator[Shell]:
    shell = Shell(master, program)
    shell("apply", "-f", "-", stdin=definition(version(), BETA))
    shell("wait", "--for=condition=established", f"crd/{NAME}", "--timeout=10s")
    yield shell
    shell("delete", "crd", NAME, "--timeout=10s")
    assert "the server doesn't have a resource type" in shell.fails("get", "ct", f"--cache-dir={master.home}/cold")


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_the_everyday_verbs(run: Shell) -> None:
    assert run("apply", "-f", "-", stdin=crontab(schedule="@daily")) == f"crontab.{GROUP}/nightly created\n"
    header, row = rows(run("get", "ct"))
    assert header == ["NAME", "SCHEDULE", "REPLICAS", "READY", "AGE"]
    assert row[:3] == ["nightly", "@daily", "1"]
    assert "IMAGE" in rows(run("get", "crontabs", "-o", "wide"))[0]
    assert f"crontab.{GROUP}/nightly" in run("get", "all", "-o", "name")
    assert run("apply", "-f", "-", stdin=crontab(schedule="@daily")).endswith("unchanged\n")
    assert run("apply", "-f", "-", stdin=crontab(schedule="@hourly")).endswith("configured\n")
    assert "Schedule:  @hourly" in run("describe", "crontab", "nightly")
    assert "API Version:  stable.example.com/v1" in run("describe", "crontab", "nightly")
    assert run("get", "ct", "--field-selector=spec.image=busybox", "-o", "name").split()
    assert not run("get", "ct", "--field-selector=spec.image=nginx", "-o", "name").split()
    run("label", "ct", "nightly", "team=a")
    assert run("get", "ct", "-l", "team=a", "-o", "name").split()
    assert run("delete", "ct", "nightly") == f'crontab.{GROUP} "nightly" deleted\n'


def test_explain_and_api_resources(run: Shell) -> None:
    explained = run("explain", "crontab.spec")
    assert "What to run, and when." in explained
    assert "schedule" in explained and "When." in explained
    line = next(row for row in rows(run("api-resources", f"--api-group={GROUP}")) if row[0] == "crontabs")
    assert line == ["crontabs", "ct", f"{GROUP}/v1", "true", "CronTab"]
    assert f"{GROUP}/v1beta1" in run("api-versions").split()


def test_subresources(run: Shell) -> None:
    run("create", "-f", "-", stdin=crontab(schedule="@daily"))
    run("scale", "ct", "nightly", "--replicas=3")
    run("patch", "ct", "nightly", "--subresource=status", "--type=merge",
        '-p={"status": {"selector": "app=x", "conditions": [{"type": "Ready", "status": "True"}]}}')  # fmt: skip
    assert rows(run("get", "ct"))[1][2:4] == ["3", "True"]
    found = yaml.safe_load(run("get", "ct", "nightly", "-o", "yaml"))
    assert found["metadata"]["generation"] == 2
    scale = f"/apis/{GROUP}/v1/namespaces/default/crontabs/nightly/scale"
    assert yaml.safe_load(run("get", "--raw", scale))["status"] == {"replicas": 0, "selector": "app=x"}


def test_what_breaks_the_schema_is_refused(run: Shell) -> None:
    assert "spec.replicas" in run.fails("create", "-f", "-", stdin=crontab(replicas=-1))
    assert 'unknown field "spec.colour"' in run.fails("create", "-f", "-", stdin=crontab(colour="red"))
    warned = run.master.kubectl(run.program, "create", "-f", "-", "--validate=warn", stdin=crontab(colour="red"))
    assert 'Warning: unknown field "spec.colour"' in warned.stderr
    assert "colour" not in run("get", "ct", "nightly", "-o", "yaml")
    strategic = run.fails("patch", "ct", "nightly", "--type=strategic", "-p={}")
    assert "application/strategic-merge-patch+json is not supported" in strategic


def test_server_side_apply_merges_lists_by_their_keys(run: Shell) -> None:
    for manager, port in (("one", 80), ("two", 443)):
        ports = [{"name": manager, "number": port}]
        applied = {**crontab(ports=ports)}
        applied["spec"] = {"ports": ports, **({"image": "busybox"} if manager == "one" else {})}
        run("apply", "--server-side", f"--field-manager={manager}", "-f", "-", stdin=applied)
    found = yaml.safe_load(run("get", "ct", "nightly", "-o", "yaml", "--show-managed-fields"))
    assert [port["name"] for port in found["spec"]["ports"]] == ["one", "two"]
    assert [entry["manager"] for entry in found["metadata"]["managedFields"]] == ["one", "two"]


def test_every_version_shows_the_same_objects(run: Shell) -> None:
    run("create", "-f", "-", stdin=crontab(api_version=f"{GROUP}/v1beta1"))
    for each in ("v1", "v1beta1"):
        found = yaml.safe_load(run("get", f"crontabs.{each}.{GROUP}", "nightly", "-o", "yaml"))
        assert found["apiVersion"] == f"{GROUP}/{each}"


def test_autoscale(master: LiveMaster, program: Path) -> None:
    run = Shell(master, program)
    run("create", "deployment", "web", "--image=nginx")
    run("autoscale", "deployment", "web", "--min=2", "--max=5", "--cpu-percent=50")
    assert rows(run("get", "hpa"))[1][:6] == ["web", "Deployment/web", "cpu:", "<unknown>/50%", "2", "5"]
    assert "resource cpu on pods  (as a percentage of request):  <unknown> / 50%" in run("describe", "hpa", "web")
    v1 = yaml.safe_load(run("get", "--raw", "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/web"))
    assert v1["spec"]["targetCPUUtilizationPercentage"] == 50
    run("delete", "hpa/web", "deployment/web")


def test_events_of_both_groups(master: LiveMaster, program: Path) -> None:
    run = Shell(master, program)
    run("create", "deployment", "loud", "--image=nginx")
    about = "regarding.kind=Deployment,regarding.name=loud"
    eventually(lambda: run("get", "events.v1.events.k8s.io", f"--field-selector={about}", "-o", "name"))
    assert "ScalingReplicaSet" in run("events", "--for=deployment/loud")
    run("delete", "deployment/loud")


def test_the_dynamic_client(master: LiveMaster, kubectl: Path) -> None:
    run = Shell(master, kubectl)
    run("create", "-f", "-", stdin=definition())
    run("wait", "--for=condition=established", f"crd/{NAME}", "--timeout=10s")
    client = DynamicClient(kubernetes.config.new_client_from_config(str(master.kubeconfig)))
    crontabs = client.resources.get(api_version=f"{GROUP}/v1", kind="CronTab")
    made = crontabs.create(body=crontab(), namespace="default")
    assert made.spec.schedule == "* * * * *"
    patched = crontabs.patch(
        body={"spec": {"schedule": "@daily"}},
        name="nightly",
        namespace="default",
        content_type="application/merge-patch+json",
    )
    assert patched.spec.schedule == "@daily"
    seen = crontabs.watch(namespace="default", timeout=1)
    assert [event["object"].metadata.name for event in seen] == ["nightly"]
    crontabs.delete(name="nightly", namespace="default")
    assert not crontabs.get(namespace="default").items
    run("delete", "crd", NAME)
