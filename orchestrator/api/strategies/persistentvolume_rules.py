"""The rules of a PersistentVolumeSpec, in a PersistentVolume and inline in a VolumeAttachment.

Rules and sentences are those of `ValidatePersistentVolumeSpec` in
`k8s.io/kubernetes/pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping

from orchestrator.api import names
from orchestrator.api.checks import Errors, named, one_of, present
from orchestrator.api.errors import forbidden, invalid, not_supported, required
from orchestrator.api.meta import Object
from orchestrator.api.podspec.placement import node_selector
from orchestrator.api.podspec.volumes import host_path, needs
from orchestrator.api.strategies.storage import access_modes, class_and_mode, positive

_RECLAIM_POLICIES = ("Delete", "Recycle", "Retain")
_INLINE = "may not be specified in the context of inline volumes"


def _nfs(source: Object, field: str) -> Errors:
    yield from needs("server", "path")(source, field)
    if (path := source.get("path")) and not path.startswith("/"):
        yield invalid(f"{field}.path", path, "must be an absolute path")


def _local(source: Object, field: str) -> Errors:
    path = source.get("path") or ""
    yield from present(f"{field}.path", path)
    if ".." in path.split("/"):
        yield invalid(f"{field}.path", path, "must not contain '..'")


def _csi(source: Object, field: str) -> Errors:
    yield from named(f"{field}.driver", source.get("driver"), names.dns_subdomain)
    yield from present(f"{field}.volumeHandle", source.get("volumeHandle"))


#: Every field that is a source, with its rules.
SOURCES: Mapping[str, Callable[[Object, str], Errors]] = {
    "awsElasticBlockStore": needs("volumeID"),
    "azureDisk": needs("diskName", "diskURI"),
    "azureFile": needs("secretName", "shareName"),
    "cephfs": needs("monitors"),
    "cinder": needs("volumeID"),
    "csi": _csi,
    "fc": needs(),
    "flexVolume": needs("driver"),
    "flocker": needs(),
    "gcePersistentDisk": needs("pdName"),
    "glusterfs": needs("endpoints", "path"),
    "hostPath": host_path,
    "iscsi": needs("targetPortal", "iqn"),
    "local": _local,
    "nfs": _nfs,
    "photonPersistentDisk": needs("pdID"),
    "portworxVolume": needs("volumeID"),
    "quobyte": needs("registry", "volume"),
    "rbd": needs("monitors", "image"),
    "scaleIO": needs("gateway", "system", "volumeName"),
    "storageos": needs(),
    "vsphereVolume": needs("volumePath"),
}


def volume(volume: Object, field: str) -> Errors:
    """The spec of a PersistentVolume."""
    yield from _capacity(volume.get("capacity") or {}, f"{field}.capacity")
    yield from _any(volume, field)
    if policy := volume.get("persistentVolumeReclaimPolicy"):
        yield from one_of(f"{field}.persistentVolumeReclaimPolicy", policy, _RECLAIM_POLICIES)
        root = posixpath.normpath((volume.get("hostPath") or {}).get("path") or ".") == "/"
        if root and policy == "Recycle":
            why = "may not be 'recycle' for a hostPath mount of '/'"
            yield forbidden(f"{field}.persistentVolumeReclaimPolicy", why)
    yield from class_and_mode(volume, field)
    yield from _affinity(volume, f"{field}.nodeAffinity")


def inline(volume: Object, field: str) -> Errors:
    """The spec of a volume that is no object of its own."""
    for name in ("claimRef", "capacity", "nodeAffinity", "storageClassName"):
        if volume.get(name):
            yield forbidden(f"{field}.{name}", _INLINE)
    if "csi" not in volume:
        yield required(f"{field}.csi", "has to be specified in the context of inline volumes")
    yield from _any(volume, field)
    for name, only in (("persistentVolumeReclaimPolicy", "Retain"), ("volumeMode", "Filesystem")):
        if volume.get(name) not in (None, "", only):
            yield forbidden(f"{field}.{name}", f"may only be {only} in the context of inline volumes")


def _any(volume: Object, field: str) -> Errors:
    """What holds for both: modes, and exactly one source."""
    modes: list[str] = volume.get("accessModes") or []
    yield from present(f"{field}.accessModes", modes)
    yield from access_modes(modes, f"{field}.accessModes")
    given = [name for name in SOURCES if name in volume]
    if not given:
        yield required(field, "must specify a volume type")
        return
    yield from SOURCES[given[0]](volume[given[0]], f"{field}.{given[0]}")
    yield from (forbidden(f"{field}.{name}", "may not specify more than 1 volume type") for name in given[1:])


def _capacity(capacity: Object, field: str) -> Errors:
    yield from present(field, capacity)
    if capacity and set(capacity) != {"storage"}:
        yield not_supported(field, capacity, ("storage",))
    for name, size in capacity.items():
        yield from positive(size, f"{field}[{name}]")


def _affinity(volume: Object, field: str) -> Errors:
    """Where the volume can be reached from; a folder of a node says from which node."""
    affinity = volume.get("nodeAffinity")
    if affinity is not None:
        if "required" in affinity:
            yield from node_selector(affinity["required"], f"{field}.required")
        else:
            yield required(f"{field}.required", "must specify required node constraints")
    elif "local" in volume:
        yield required(field, "Local volume requires node affinity")
