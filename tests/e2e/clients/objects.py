"""Objects as the official client's models, and commands in pods."""

from __future__ import annotations

from typing import Any

from kubernetes import client
from kubernetes.stream import stream


def settings(name: str, **data: str) -> client.V1ConfigMap:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels={"made": "here"}), data=data)


def pod(name: str, image: str, *command: str, **more: Any) -> client.V1Pod:
    container = client.V1Container(name="main", image=image, command=list(command), **more)
    spec = client.V1PodSpec(containers=[container], restart_policy="Never", termination_grace_period_seconds=0)
    return client.V1Pod(metadata=client.V1ObjectMeta(name=name, labels={"app": name}), spec=spec)


def web(image: str, replicas: int) -> client.V1Deployment:
    made = pod("web", image)
    made.spec.restart_policy = "Always"
    made.spec.containers[0].command = None
    return client.V1Deployment(
        metadata=client.V1ObjectMeta(name="web"),
        spec=client.V1DeploymentSpec(
            replicas=replicas,
            selector=client.V1LabelSelector(match_labels={"app": "web"}),
            template=client.V1PodTemplateSpec(metadata=made.metadata, spec=made.spec),
        ),
    )


def ready(core: client.CoreV1Api, space: str, name: str) -> bool:
    conditions = core.read_namespaced_pod(name, space).status.conditions or []
    return any(each.type == "Ready" and each.status == "True" for each in conditions)


def run(core: client.CoreV1Api, space: str, name: str, *command: str) -> str:
    return stream(
        core.connect_get_namespaced_pod_exec, name, space, command=list(command), stdout=True, stderr=True, tty=False
    )
