"""Containers whose pod is no more in the API, as the pod they were for: enough of it to end it properly. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from agent.runtime.base import (
    LABEL_CONTAINER,
    LABEL_GRACE,
    LABEL_NAMESPACE,
    LABEL_POD,
    LABEL_UID,
    SANDBOX,
    ContainerState,
)
from orchestrator.api.meta import Object


def orphan(containers: Iterable[ContainerState]) -> Object:
    """The pod of these containers (at least one, all of one pod), as far as their labels tell it."""
    found = list(containers)
    labels = found[0].labels
    names = dict.fromkeys(c.labels[LABEL_CONTAINER] for c in found if c.labels.get(LABEL_CONTAINER) != SANDBOX)
    spec: Object = {"containers": [{"name": name} for name in names]}
    if labels.get(LABEL_GRACE):
        spec["terminationGracePeriodSeconds"] = int(labels[LABEL_GRACE])
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": labels.get(LABEL_NAMESPACE, ""),
            "name": labels.get(LABEL_POD, ""),
            "uid": labels.get(LABEL_UID, ""),
        },
        "spec": spec,
    }
