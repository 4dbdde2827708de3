"""Which images to remove, for want of room or of use. Pure; the rules are the kubelet's, but for whose an image is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.image_name import canonical, repository
from agent.image_records import Record
from agent.runtime.base import Disk, Image

#: What podlab made itself (its pause image, its registry) could not be pulled again.
_OWN = "docker.io/podlab/"


@dataclass(frozen=True, slots=True)
class GcPolicy:
    """`high` and `low` in percent of the disk, ages in seconds (`max_age` 0: none). `foreign`: others' images too."""

    high: int = 85
    low: int = 80
    min_age: float = 120.0
    max_age: float = 0.0
    foreign: bool = False


def bytes_to_free(disk: Disk, policy: GcPolicy) -> int:
    """0 while less than `high` percent are in use; else what is missing to the low mark."""
    used = 100 - min(disk.available, disk.capacity) * 100 // disk.capacity
    if used < policy.high:
        return 0
    return disk.capacity * (100 - policy.low) // 100 - disk.available


def removable(
    images: Iterable[Image], records: Mapping[str, Record], in_use: frozenset[str], policy: GcPolicy, now: float
) -> list[Image]:
    """Those that may go, the least recently used first; images without a record were never used by a pod here."""
    found = [image for image in images if image.id not in in_use and _may_go(image, records.get(image.id), policy, now)]
    return sorted(found, key=lambda image: _last_used(records.get(image.id)))


def too_old(images: Iterable[Image], records: Mapping[str, Record], policy: GcPolicy, now: float) -> list[Image]:
    """Of images that may go, those that nobody used for `max_age`. Without a record no age is known."""
    if not policy.max_age:
        return []
    known = [(image, records[image.id]) for image in images if image.id in records]
    return [image for image, record in known if now - record.last_used > policy.max_age]


def _may_go(image: Image, record: Record | None, policy: GcPolicy, now: float) -> bool:
    if any(canonical(tag).startswith(_OWN) for tag in image.tags):
        return False
    if record is not None and now - max(record.pulled_at, record.last_used) < policy.min_age:
        return False
    return policy.foreign or (record is not None and _only_ours(image, record))


def _only_ours(image: Image, record: Record) -> bool:
    """Nobody gave it a name that the pods did not pull it by."""
    tags = {canonical(tag) for tag in image.tags}
    repositories = {repository(digest) for digest in image.digests}
    return tags <= {*record.names} and repositories <= {repository(name) for name in record.names}


def _last_used(record: Record | None) -> tuple[float, float]:
    return (record.last_used, record.pulled_at) if record else (0.0, 0.0)
