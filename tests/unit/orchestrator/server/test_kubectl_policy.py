"""kubectl's verbs on the kinds of storage, network, policy and scheduling, for the oldest and the newest kubectl."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from orchestrator.main import master
from orchestrator.server.serve import ApiServer
from orchestrator.util.settings import Settings
from tests.conftest import missing
from tests.fakes.api import cluster_home

pytestmark = pytest.mark.kubectl

Kubectl = Callable[..., str]

_FLOW = """
{apiVersion: v1, kind: PersistentVolume, metadata: {name: pv}, spec: {capacity: {storage: 1Gi}, storageClassName: slow,
  accessModes: [ReadWriteOnce], hostPath: {path: /data}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: pvc}, spec: {accessModes: [ReadWriteOnce],
  storageClassName: slow, resources: {requests: {storage: 1Gi}}}}
---
{apiVersion: v1, kind: ResourceQuota, metadata: {name: quota}, spec: {hard: {pods: "2", limits.cpu: "1"}}}
---
{apiVersion: v1, kind: LimitRange, metadata: {name: limits}, spec: {limits: [
  {type: Container, max: {cpu: "1"}, default: {cpu: "1"}, defaultRequest: {cpu: "1"}}]}}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: slow}, provisioner: kubernetes.io/no-provisioner}
---
{apiVersion: storage.k8s.io/v1, kind: VolumeAttachment, metadata: {name: va},
  spec: {attacher: a.io, nodeName: n1, source: {persistentVolumeName: pv}}}
---
{apiVersion: storage.k8s.io/v1, kind: CSIDriver, metadata: {name: a.io}, spec: {attachRequired: false}}
---
{apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: {name: n1}, spec: {drivers: [{name: a.io, nodeID: n1}]}}
---
{apiVersion: storage.k8s.io/v1, kind: CSIStorageCapacity, metadata: {name: cap}, storageClassName: slow, capacity: 1Gi}
---
{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: ing}, spec: {rules: [{host: a.io, http: {paths: [
  {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}}
---
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}, spec: {controller: a.io/nginx}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: netpol},
  spec: {podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80, protocol: TCP}]}]}}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: pc}, value: 7}
---
{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: rc}, handler: runc}
"""
#: In blocks: older kubectl take what begins with a brace for JSON.
MANIFEST = yaml.safe_dump_all(yaml.safe_load_all(_FLOW))
#: What `get` shows in the row, and `describe` somewhere.
SHOWN = {
    "pv/pv": ("1Gi RWO Retain Bound default/pvc slow", "Type:          HostPath"),
    "pvc/pvc": ("Bound pv 1Gi RWO slow", "StorageClass:  slow"),
    "quota/quota": ("pods: 0/2", "limits.cpu  0     1"),
    "limits/limits": ("", "cpu       -    1    1                1              -"),
    "sc/slow": ("kubernetes.io/no-provisioner Delete Immediate false", "VolumeBindingMode:     Immediate"),
    "volumeattachment/va": ("a.io pv n1 false", "Attacher:   a.io"),
    "csidriver/a.io": ("false false false <unset> false Persistent", "Fs Group Policy:"),
    "csinode/n1": ("1", "Drivers:"),
    "csistoragecapacity/cap": ("slow 1Gi", "Storage Class Name:"),
    "ing/ing": ("<none> a.io 80", "a.io"),
    "ingressclass/nginx": ("a.io/nginx <none>", "Controller:   a.io/nginx"),
    "netpol/netpol": ("app=web", "To Port: 80/TCP"),
    "pc/pc": ("7 false", "Value:             7"),
    "runtimeclass/rc": ("runc", "Handler:"),
}
CREATED = """
quota made --hard=pods=1,services=2 -> resourcequota/made
priorityclass high --value=1000 --description=d -> priorityclass.scheduling.k8s.io/high
ingress made --rule=a.io/*=web:80,tls=secret --class=nginx -> ingress.networking.k8s.io/made
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ApiServer, Settings]]:
    settings = cluster_home(tmp_path_factory.mktemp("home"))
    with master(settings, ("api", "controllers")) as api:
        assert api is not None
        yield api, settings


@pytest.fixture(params=["oldest", "newest"])
def run(request: pytest.FixtureRequest, kubectl: Path, running: tuple[ApiServer, Settings]) -> Kubectl:
    """Runs kubectl as the admin; gives both outputs together."""
    found = sorted(kubectl.parent.glob("kubectl.1.*"), key=lambda file: int(file.name.rpartition(".")[2]))
    program = (found[0] if request.param == "oldest" else found[-1]) if found else missing("several kubectl")
    settings = running[1]
    admin = settings.pki / "admin.crt", settings.pki / "admin.key"
    flags = [f"--server={settings.server}", f"--certificate-authority={settings.pki / 'ca.crt'}"]
    flags += [f"--client-certificate={admin[0]}", f"--client-key={admin[1]}"]

    def run(*arguments: str, stdin: str = "", fails: bool = False) -> str:
        environment = {**os.environ, "HOME": str(settings.home), "KUBECONFIG": ""}
        done = subprocess.run(
            [program, *arguments, *flags], input=stdin, env=environment, capture_output=True, text=True, timeout=30
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_apply_get_describe_delete(run: Kubectl) -> None:
    said = run("apply", "-f", "-", stdin=MANIFEST)
    assert said.count(" created\n") == len(SHOWN)
    assert said.count("is not enforced by podlab") == 2
    again = run("apply", "-f", "-", stdin=MANIFEST)
    assert again.count(" unchanged\n") == len(SHOWN), again
    run("wait", "pvc/pvc", "--for=jsonpath={.status.phase}=Bound", "--timeout=10s")
    run("wait", "quota/quota", "--for=jsonpath={.status.used.pods}=0", "--timeout=10s")
    for what, (row, description) in SHOWN.items():
        cells = " ".join(run("get", what, "-o", "wide", "--no-headers").split())
        assert row in cells, cells
        assert description in run("describe", what), run("describe", what)
    assert "Filesystem" in run("get", "pv,pvc", "-o", "wide")
    assert run("delete", "-f", "-", stdin=MANIFEST).count(" deleted\n") == len(SHOWN)


def test_create(run: Kubectl) -> None:
    for line in CREATED.strip().splitlines():
        what, _, made = line.partition(" -> ")
        assert f"{made} created" in run("create", *what.split())
    path = "jsonpath={.spec.hard} {.spec.scopes}"
    assert run("get", "quota", "made", "-o", path) == '{"pods":"1","services":"2"} '
    rule = "jsonpath={.spec.rules[0].http.paths[0].pathType} {.spec.tls[0].secretName} {.spec.ingressClassName}"
    assert run("get", "ingress", "made", "-o", rule) == "Prefix secret nginx"
    assert run("get", "pc", "high", "-o", "jsonpath={.value} {.preemptionPolicy}") == "1000 PreemptLowerPriority"
    assert run("delete", "quota/made", "pc/high", "ing/made").count("deleted") == 3


def test_explain(run: Kubectl) -> None:
    assert "storageClassName" in run("explain", "pvc.spec")
    assert "pathType" in run("explain", "ing.spec.rules.http.paths")
    assert "scopeSelector" in run("explain", "quota.spec")


def test_a_quota_refuses_and_makes_room(run: Kubectl) -> None:
    run("create", "quota", "one", "--hard=configmaps=2")
    run("wait", "quota/one", "--for=jsonpath={.status.hard.configmaps}=2", "--timeout=10s")
    # The first is kube-root-ca.crt.
    run("wait", "quota/one", "--for=jsonpath={.status.used.configmaps}=1", "--timeout=10s")
    run("create", "configmap", "second")
    said = run("create", "configmap", "third", fails=True)
    sentence = "exceeded quota: one, requested: configmaps=1, used: configmaps=2, limited: configmaps=2"
    assert f'configmaps "third" is forbidden: {sentence}' in said
    run("delete", "configmap", "second")
    run("wait", "quota/one", "--for=jsonpath={.status.used.configmaps}=1", "--timeout=10s")
    run("create", "configmap", "third")
    run("delete", "configmap/third", "quota/one")


def test_mistakes_are_told(run: Kubectl) -> None:
    wrong = yaml.safe_dump(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "x"}, "spec": {"accessModes": ["A"]}}
    )
    said = run("apply", "-f", "-", stdin=wrong, fails=True)
    assert 'The PersistentVolumeClaim "x" is invalid' in said
    assert 'spec.accessModes: Unsupported value: "A"' in said
    assert "spec.resources[storage]: Required value" in said
    assert "no PriorityClass with name none was found" in run(
        "run", "p", "--image=x", '--overrides={"spec":{"priorityClassName":"none"}}', fails=True
    )
