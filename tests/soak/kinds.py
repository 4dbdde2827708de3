"""The sorts of pods that churn: together they use what an agent has to make, watch over and take away."""

from __future__ import annotations

from orchestrator.api.meta import Object

LABEL = {"app": "soak"}
SELECTOR = "app=soak"
CONFIG = "soak-config"
_RUN = "trap exit TERM; sleep 3600 & wait"


def _spec(image: str, script: str, **fields: object) -> Object:
    container = {"name": "main", "image": image, "command": ["sh", "-c", script]}
    mounts = [{"name": volume["name"], "mountPath": f"/v/{volume['name']}"} for volume in fields.get("volumes", ())]  # type: ignore[attr-defined]
    return {"terminationGracePeriodSeconds": 2, "containers": [{**container, "volumeMounts": mounts}], **fields}


def plain(image: str) -> Object:
    return _spec(image, _RUN)


def crashing(image: str) -> Object:
    return _spec(image, "exit 1")


def ending(image: str) -> Object:
    return _spec(image, "echo done", restartPolicy="Never")


def stubborn(image: str) -> Object:
    """Has to be killed."""
    return _spec(image, "trap '' TERM; sleep 3600 & wait")


def unhealthy(image: str) -> Object:
    """Restarted for its liveness, while others see to its readiness."""
    spec = _spec(image, _RUN)
    spec["containers"][0] |= {
        "livenessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 1, "failureThreshold": 2},
        "readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1},
    }
    return spec


def accompanied(image: str) -> Object:
    """An init container, a sidecar, and one process namespace."""
    quick = {"name": "first", "image": image, "command": ["true"]}
    sidecar = {"name": "beside", "image": image, "command": ["sh", "-c", _RUN], "restartPolicy": "Always"}
    return _spec(image, _RUN, initContainers=[quick, sidecar], shareProcessNamespace=True)


def with_volumes(image: str) -> Object:
    volumes = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "config", "configMap": {"name": CONFIG}},
        {
            "name": "about",
            "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]},
        },
    ]
    return _spec(image, _RUN + "; date > /v/scratch/date; date > /v/memory/date", volumes=volumes)


def with_claim(image: str) -> Object:
    """Its volume is made and removed with it."""
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    template = {"volumeClaimTemplate": {"spec": {**claim, "storageClassName": "standard"}}}
    return _spec(image, _RUN, volumes=[{"name": "data", "ephemeral": template}])


KINDS = (plain, crashing, ending, stubborn, unhealthy, accompanied, with_volumes, with_claim)
