"""Kubernetes' defaults for pod specs, wherever they occur. All functions change their argument in place.

The values are those of `k8s.io/kubernetes/pkg/apis/core/v1/defaults.go`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from orchestrator.api.meta import Object
from orchestrator.api.pods import is_sidecar

#: Mode of the files of a configMap, secret, projected or downwardAPI volume (octal 0644).
_FILE_MODE = 0o644

_SPEC: Object = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "terminationGracePeriodSeconds": 30,
    "schedulerName": "default-scheduler",
}
_CONTAINER: Object = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_PROBE: Object = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_VOLUMES: Mapping[str, Object] = {
    "secret": {"defaultMode": _FILE_MODE},
    "configMap": {"defaultMode": _FILE_MODE},
    "downwardAPI": {"defaultMode": _FILE_MODE},
    "projected": {"defaultMode": _FILE_MODE},
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}
_TOKEN_SECONDS = 3600
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_RESIZABLE = ("cpu", "memory")
_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def fill(obj: Object, defaults: Mapping[str, Any], unset: Collection[Any] = (None, "")) -> None:
    """Set each field whose value counts as not given: for most fields none, and the empty string, as in Go."""
    for field, value in defaults.items():
        if obj.get(field) in unset:
            obj[field] = value


def default_pod_spec(spec: Object) -> None:
    """The defaults that the spec of a pod and of a template share."""
    fill(spec, _SPEC)
    spec.setdefault("securityContext", {})
    _default_service_account(spec)
    for container in _containers(spec):
        _default_container(container)
    for volume in spec.get("volumes") or []:
        _default_volume(volume)


def default_template(template: Object) -> None:
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_only(spec: Object) -> None:
    """The defaults of a pod that its template does not get."""
    fill(spec, {"enableServiceLinks": True})
    for container in _containers(spec):
        _default_requests(container)
    for container in _lasting(spec):
        if policies := resize_policy(container):
            container["resizePolicy"] = policies
    if spec.get("hostNetwork"):
        for container in [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]:
            for port in container.get("ports") or []:
                port["hostPort"] = port.get("hostPort") or port.get("containerPort") or 0


def default_claim(claim: Object) -> None:
    """A PersistentVolumeClaim."""
    default_claim_spec(claim)
    fill(claim.setdefault("status", {}), {"phase": "Pending"})


def default_claim_spec(claim: Object) -> None:
    """What a claim and the template of one share."""
    fill(claim.setdefault("spec", {}), {"volumeMode": "Filesystem"})


def resize_policy(container: Object) -> list[Object]:
    """Its policies, and for what it asks for without one that no restart is needed."""
    resources, given = container.get("resources") or {}, list(container.get("resizePolicy") or ())
    asked = (resources.get("limits") or {}).keys() | (resources.get("requests") or {}).keys()
    told = {policy.get("resourceName") for policy in given}
    more = [name for name in _RESIZABLE if name in asked and name not in told]
    return [*given, *({"resourceName": name, "restartPolicy": "NotRequired"} for name in more)]


def pull_policy(image: str) -> str:
    """`Always` for the tag `latest`, given or meant; else `IfNotPresent`."""
    reference, _, digest = image.partition("@")
    tag = reference.rpartition("/")[2].partition(":")[2]
    latest = tag == "latest" or (not tag and not digest and image)
    return "Always" if latest else "IfNotPresent"


def _containers(spec: Object) -> Iterator[Object]:
    return (container for field in _CONTAINER_LISTS for container in spec.get(field) or [])


def _lasting(spec: Object) -> Iterator[Object]:
    """Containers that run as long as the pod: those that can be resized."""
    yield from (init for init in spec.get("initContainers") or [] if is_sidecar(init))
    yield from spec.get("containers") or []


def _default_service_account(spec: Object) -> None:
    """`serviceAccount` is the old name of `serviceAccountName`, kept equal to it."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _default_container(container: Object) -> None:
    fill(container, {**_CONTAINER, "imagePullPolicy": pull_policy(container.get("image") or "")})
    container.setdefault("resources", {})
    for port in container.get("ports") or []:
        fill(port, {"protocol": "TCP"})
    for variable in container.get("env") or []:
        _default_source(variable.get("valueFrom") or {})
    for probe in (container[field] for field in _PROBES if container.get(field) is not None):
        fill(probe, _PROBE, unset=(None, 0))
        _default_handler(probe)
    lifecycle = container.get("lifecycle") or {}
    for handler in (lifecycle[field] for field in ("postStart", "preStop") if field in lifecycle):
        _default_handler(handler)


def _default_handler(handler: Object) -> None:
    if "httpGet" in handler:
        fill(handler["httpGet"], {"path": "/", "scheme": "HTTP"})
    if "grpc" in handler:
        fill(handler["grpc"], {"service": ""})


def _default_source(source: Object) -> None:
    """Where a variable's value, or the content of a downward API file, comes from."""
    if "fieldRef" in source:
        fill(source["fieldRef"], {"apiVersion": "v1"})
    if "resourceFieldRef" in source:
        fill(source["resourceFieldRef"], {"divisor": "0"})


def _default_requests(container: Object) -> None:
    """Requests that are not given are the limits."""
    resources = container["resources"]
    if resources.get("limits"):
        resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}


def _default_volume(volume: Object) -> None:
    if not volume.keys() - {"name"}:
        volume["emptyDir"] = {}
    default_source(volume)
    _default_files(volume.get("downwardAPI") or {})
    for projection in (volume.get("projected") or {}).get("sources") or []:
        _default_files(projection.get("downwardAPI") or {})
        if "serviceAccountToken" in projection:
            fill(projection["serviceAccountToken"], {"expirationSeconds": _TOKEN_SECONDS})
    if "image" in volume:
        fill(volume["image"], {"pullPolicy": pull_policy(volume["image"].get("reference") or "")})
    claim = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if claim is not None:
        default_claim_spec(claim)


def default_source(volume: Object) -> None:
    """The defaults of the source of a pod's volume or of a PersistentVolume."""
    for source in volume.keys() & _VOLUMES.keys():
        fill(volume[source], _VOLUMES[source])


def _default_files(downward: Object) -> None:
    for item in downward.get("items") or []:
        _default_source(item)
