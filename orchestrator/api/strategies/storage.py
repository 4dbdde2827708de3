"""What PersistentVolume and PersistentVolumeClaim share: access modes, classes, sizes.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from orchestrator.api import meta, names
from orchestrator.api.checks import Errors, follows, one_of
from orchestrator.api.errors import forbidden, invalid, not_supported
from orchestrator.api.meta import Object, spec
from orchestrator.api.quantity import Quantity, parse

#: The annotation that named the class before there was a field for it.
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
UNSET = "<unset>"
_ALONE = "ReadWriteOncePod"
_SHORT = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", _ALONE: "RWOP"}
_MODES = sorted(_SHORT)
_VOLUME_MODES = ("Block", "Filesystem")


def access_modes(modes: list[str], field: str) -> Errors:
    for mode in modes:
        if mode not in _SHORT:
            yield not_supported(field, mode, _MODES)
    if _ALONE in modes and any(mode in _SHORT and mode != _ALONE for mode in modes):
        yield forbidden(field, "may not use ReadWriteOncePod with other access modes")


def class_and_mode(volume: Object, field: str) -> Errors:
    """The names of the classes, and the volume mode, where they are given."""
    yield from follows(f"{field}.storageClassName", volume.get("storageClassName"), names.dns_subdomain)
    if volume.get("volumeMode") is not None:
        yield from one_of(f"{field}.volumeMode", volume["volumeMode"], _VOLUME_MODES)
    yield from follows(
        f"{field}.volumeAttributesClassName", volume.get("volumeAttributesClassName"), names.dns_subdomain
    )


def positive(size: Quantity, field: str) -> Errors:
    if parse(size) <= 0:
        yield invalid(field, size, "must be greater than zero")


def modes_text(modes: list[str] | None) -> str:
    """`RWO,RWX`: each mode once, in Kubernetes' order."""
    return ",".join(short for mode, short in _SHORT.items() if mode in (modes or ()))


def storage_class(obj: Object) -> str:
    """The class of a volume or of a claim; the annotation counts first, as it is the older."""
    return meta.annotations(obj).get(CLASS_ANNOTATION) or str(spec(obj).get("storageClassName") or "")


def storage_warnings(obj: Object, size: Quantity | None, field: str) -> list[str]:
    """`field` is the path of `size`, the storage that the volume has or that the claim asks for."""
    said = []
    if CLASS_ANNOTATION in meta.annotations(obj):
        field_instead = 'use "storageClassName" attribute instead'
        said.append(f"metadata.annotations[{CLASS_ANNOTATION}]: deprecated since v1.8; {field_instead}")
    if size is not None and parse(size).denominator != 1:
        said.append(f'{field}: fractional byte value "{size}" is invalid, must be an integer')
    return said
