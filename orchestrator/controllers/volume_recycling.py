"""The pod that empties a volume whose reclaim policy is Recycle (pure)."""

from __future__ import annotations

from orchestrator.api.meta import Object, name, spec
from orchestrator.api.meta import annotations as annotations_of

#: On the pod: the volume it empties.
_VOLUME = "podlab.io/recycles"
#: Any image with a shell will do.
_IMAGE = "busybox"
_MOUNT = "/scrub"
_SCRIPT = f'test -e {_MOUNT} && find {_MOUNT} -mindepth 1 -delete && test -z "$(ls -A {_MOUNT})" || exit 1'


def recycler(volume: Object) -> Object:
    """For a hostPath volume."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"recycler-for-{name(volume)}",
            "namespace": "default",
            "annotations": {_VOLUME: name(volume)},
        },
        "spec": {
            "activeDeadlineSeconds": 300,
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "volumes": [{"name": "vol", "hostPath": dict(spec(volume)["hostPath"])}],
            "containers": [
                {
                    "name": "pv-recycler",
                    "image": _IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["/bin/sh"],
                    "args": ["-c", _SCRIPT],
                    "volumeMounts": [{"name": "vol", "mountPath": _MOUNT}],
                }
            ],
        },
    }


def recycler_name(pod: Object) -> str:
    """The name of the volume that the pod empties, "" for all other pods."""
    return annotations_of(pod).get(_VOLUME, "")
