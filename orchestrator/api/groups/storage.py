"""The group `storage.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.csi import CSIDriverStrategy, CSINodeStrategy, CSIStorageCapacityStrategy
from orchestrator.api.strategies.storageclass import StorageClassStrategy
from orchestrator.api.strategies.volumeattachment import VolumeAttachmentStrategy

_GROUP = "storage.k8s.io"
STORAGE_CLASS = Kind(
    _GROUP,
    "v1",
    "StorageClass",
    "storageclasses",
    namespaced=False,
    short_names=("sc",),
    strategy=StorageClassStrategy(),
)
VOLUME_ATTACHMENT = Kind(
    _GROUP,
    "v1",
    "VolumeAttachment",
    "volumeattachments",
    namespaced=False,
    subresources=("status",),
    strategy=VolumeAttachmentStrategy(),
)
CSI_DRIVER = Kind(_GROUP, "v1", "CSIDriver", "csidrivers", namespaced=False, strategy=CSIDriverStrategy())
CSI_NODE = Kind(_GROUP, "v1", "CSINode", "csinodes", namespaced=False, strategy=CSINodeStrategy())
CSI_STORAGE_CAPACITY = Kind(
    _GROUP, "v1", "CSIStorageCapacity", "csistoragecapacities", strategy=CSIStorageCapacityStrategy()
)

KINDS = (
    STORAGE_CLASS,
    VOLUME_ATTACHMENT,
    CSI_DRIVER,
    CSI_NODE,
    CSI_STORAGE_CAPACITY,
)
