"""Pod objects as the API server would hand them to an agent."""

from __future__ import annotations

import itertools
from typing import Any

from orchestrator.api.meta import Object
from orchestrator.api.times import rfc3339

_numbers = itertools.count(1)


def container(name: str = "app", image: str = "nginx", **fields: Any) -> Object:
    return {"name": name, "image": image, "imagePullPolicy": "IfNotPresent", **fields}


def pod(
    name: str = "web", *containers: Object, node: str = "node-1", init: list[Object] | None = None, **spec: Any
) -> Object:
    """A pod bound to `node`; with no containers given it has one, `app`."""
    number = next(_numbers)
    own = {
        "nodeName": node,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "containers": list(containers) or [container()],
        **spec,
    }
    if init:
        own["initContainers"] = init
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": "default", "name": name, "uid": f"uid-{number:04d}", "resourceVersion": str(number)},
        "spec": own,
        "status": {"phase": "Pending"},
    }


def deleted(pod: Object, now: float, grace: int = 30) -> Object:
    """The pod as it is after a deletion with `grace` seconds."""
    marks = {"deletionTimestamp": rfc3339(now + grace), "deletionGracePeriodSeconds": grace}
    return {**pod, "metadata": {**pod["metadata"], **marks}}
