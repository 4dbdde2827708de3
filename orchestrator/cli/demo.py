"""`podlab demo`: the main job from end to end, on whatever machine this is."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import yaml

from orchestrator.api import builtin, meta
from orchestrator.api.errors import AlreadyExists
from orchestrator.api.groups import apps, core
from orchestrator.api.meta import Object
from orchestrator.api.request import STRATEGIC_PATCH
from orchestrator.cli.failure import Failure
from orchestrator.cli.lifecycle import bring_up, run_module
from orchestrator.cli.progress import step
from orchestrator.client.client import Client

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "demo"
_ROLLOUT_TIMEOUT = 180.0
_FETCHES = 30


@click.command()
@click.pass_obj
def demo(home: Path) -> None:
    """Bring up two nodes, push an image, run three nginx pods from it and fetch pages through the service."""
    cluster = bring_up(home, 2, {}, use_kubeconfig=True)
    image = f"{cluster.settings.registry_host}:{cluster.settings.registry_port}/web:v1"
    with step("Image web:v1 built"):
        run_module(cluster, "registry", "build", str(FOLDER), "web:v1")
    with step("Image pushed to the bundled registry"):
        run_module(cluster, "registry", "push", "web:v1")
    client = cluster.client()
    with step("Deployment and Service web applied"):
        for obj in _manifests(image):
            _apply(client, obj)
    with step("Three pods ready") as progress:
        _wait_rollout(client, progress.tick)
    _show_pods(client)
    with step("Pages fetched through the service"):
        answers = _fetch_all(client)
    for body, count in sorted(answers.items()):
        click.echo(f"  {count:3} x {body}")
    click.echo("Next: kubectl get pods -o wide; kubectl scale deployment web --replicas 5; podlab down --purge")


def _manifests(image: str) -> Iterator[Object]:
    """The demo's objects, with the image's name as this cluster's registry has it."""
    for obj in yaml.safe_load_all((FOLDER / "web.yaml").read_text()):
        obj["metadata"]["namespace"] = "default"
        if obj["kind"] == "Deployment":
            obj["spec"]["template"]["spec"]["containers"][0]["image"] = image
        yield obj


def _apply(client: Client, obj: Object) -> None:
    kind = builtin.BUILTIN.by_type(obj["apiVersion"], obj["kind"])
    assert kind is not None
    try:
        client.create(kind, obj)
    except AlreadyExists:
        client.patch(kind, meta.name(obj), obj, meta.namespace(obj), content_type=STRATEGIC_PATCH)


def _wait_rollout(client: Client, waiting: Callable[[], None]) -> None:
    """Return when the Deployment has all its pods available. Raises Failure naming what the pods wait for."""
    deadline = time.monotonic() + _ROLLOUT_TIMEOUT
    while not _complete(client.get(apps.DEPLOYMENT, "web", "default")):
        if time.monotonic() > deadline:
            raise Failure(f"the pods are not ready after {_ROLLOUT_TIMEOUT:.0f} s: {_reasons(client)}")
        waiting()


def _complete(deployment: Object) -> bool:
    status, wanted = meta.status(deployment), deployment["spec"]["replicas"]
    observed = status.get("observedGeneration", 0) >= meta.generation(deployment)
    counts = [status.get(field, 0) for field in ("replicas", "updatedReplicas", "availableReplicas")]
    return observed and counts == [wanted] * 3


def _reasons(client: Client) -> str:
    """Why pods of the demo wait, in the words of their statuses."""
    reasons = [
        f"{meta.name(pod)}: {waiting.get('reason')} {waiting.get('message', '')}".strip()
        for pod in client.list(core.POD, "default", labelSelector="app=web").items
        for status in meta.status(pod).get("containerStatuses") or []
        if (waiting := status.get("state", {}).get("waiting"))
    ]
    return "; ".join(reasons) or "see `kubectl describe pods -l app=web`"


def _show_pods(client: Client) -> None:
    for pod in client.list(core.POD, "default", labelSelector="app=web").items:
        click.echo(f"  {meta.name(pod)}  {meta.status(pod).get('podIP')}  on {meta.spec(pod).get('nodeName')}")


def _fetch_all(client: Client) -> Counter[str]:
    """Fetch pages until every pod has answered; counts by what they said. Raises Failure."""
    service = client.get(core.SERVICE, "web", "default")
    addresses = [
        (service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"]),
        ("127.0.0.1", service["spec"]["ports"][0]["nodePort"]),
    ]
    host, port = next((a for a in addresses if _answers(*a)), addresses[1])
    click.echo(f"    http://{host}:{port}/", err=True)
    answers: Counter[str] = Counter()
    for _ in range(_FETCHES):
        answers[_fetch(host, port)] += 1
        if len(answers) == 3 and min(answers.values()) > 1:
            return answers
    raise Failure(
        f"only {len(answers)} of 3 pods answered in {_FETCHES} fetches: see `podlab cluster-logs proxy-node-1`"
    )


def _answers(host: str, port: int) -> bool:
    try:
        _fetch(host, port)
    except (Failure, OSError):
        return False
    return True


def _fetch(host: str, port: int) -> str:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read().decode().strip()
    finally:
        connection.close()
    if answer.status != 200:
        raise Failure(f"http://{host}:{port}/ answers {answer.status}")
    return body
