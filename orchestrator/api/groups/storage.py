"""The group `storage.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

_GROUP = "storage.k8s.io"
STORAGE_CLASS = Kind(
    _GROUP,
    "v1",
    "StorageClass",
    "storageclasses",
    namespaced=False,
    short_names=("sc",),
    rules="storageclass:StorageClassStrategy",
)
VOLUME_ATTACHMENT = Kind(
    _GROUP,
    "v1",
    "VolumeAttachment",
    "volumeattachments",
    namespaced=False,
    subresources=("status",),
    rules="volumeattachment:VolumeAttachmentStrategy",
)
CSI_DRIVER = Kind(_GROUP, "v1", "CSIDriver", "csidrivers", namespaced=False, rules="csi:CSIDriverStrategy")
CSI_NODE = Kind(_GROUP, "v1", "CSINode", "csinodes", namespaced=False, rules="csi:CSINodeStrategy")
CSI_STORAGE_CAPACITY = Kind(
    _GROUP, "v1", "CSIStorageCapacity", "csistoragecapacities", rules="csi:CSIStorageCapacityStrategy"
)

KINDS = (
    STORAGE_CLASS,
    VOLUME_ATTACHMENT,
    CSI_DRIVER,
    CSI_NODE,
    CSI_STORAGE_CAPACITY,
)
