"""A kopf operator as its users write them: a Greeting becomes a ConfigMap, and its status tells how it went.

kopf run --standalone --namespace NAMESPACE tests/fakes/greeter.py
"""

from __future__ import annotations

from typing import Any

import kopf
import kubernetes

GROUP, VERSION, PLURAL = "greetings.example.com", "v1", "greetings"


@kopf.on.startup()
def configured(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.posting.level = 100
    kubernetes.config.load_config()


@kopf.on.create(GROUP, VERSION, PLURAL)
def created(spec: kopf.Spec, name: str, namespace: str, **_: Any) -> dict[str, str]:
    child = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"text": spec["text"]}}
    kopf.adopt(child)
    kubernetes.client.CoreV1Api().create_namespaced_config_map(namespace, child)
    return {"text": spec["text"]}


@kopf.on.update(GROUP, VERSION, PLURAL, field="spec.text")
def changed(new: str, name: str, namespace: str, patch: kopf.Patch, **_: Any) -> None:
    kubernetes.client.CoreV1Api().patch_namespaced_config_map(name, namespace, {"data": {"text": new}})
    patch.status["text"] = new


@kopf.on.resume(GROUP, VERSION, PLURAL)
def resumed(patch: kopf.Patch, **_: Any) -> None:
    patch.status["resumed"] = True


@kopf.timer(GROUP, VERSION, PLURAL, interval=0.2)
def ticked(status: kopf.Status, patch: kopf.Patch, **_: Any) -> None:
    patch.status["ticks"] = min(status.get("ticks", 0) + 1, 3)


@kopf.on.delete(GROUP, VERSION, PLURAL)
def deleted(name: str, namespace: str, **_: Any) -> None:
    farewell = kubernetes.client.V1ConfigMap(metadata={"name": f"{name}-farewell"})
    kubernetes.client.CoreV1Api().create_namespaced_config_map(namespace, farewell)
