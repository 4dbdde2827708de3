"""Removes images that no container uses when the engine's disk gets full, and tells the node when that is in vain."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from agent.image_gc_plan import GcPolicy, bytes_to_free, removable, too_old
from agent.image_records import ImageRecords
from agent.runtime.base import Image, Runtime, RuntimeFailure
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Seconds between collections (the kubelet's).
PERIOD = 300.0

#: (reason, message) of a Warning about the node.
Warn = Callable[[str, str], None]


class GcFailed(Exception):
    """A collection that did not free what it should; the message says why."""


class ImageCollector:
    """`changed` is called when images were removed."""

    def __init__(
        self,
        runtime: Runtime,
        records: ImageRecords,
        policy: GcPolicy,
        clock: Clock,
        warn: Warn,
        changed: Callable[[], None],
    ) -> None:
        self._runtime, self._records, self._policy = runtime, records, policy
        self._clock, self._warn, self._changed = clock, warn, changed
        self._failed_before = False

    def collect(self) -> None:
        """One round, to be called each PERIOD. A second failure in a row is an event."""
        try:
            self._collect()
        except (RuntimeFailure, GcFailed) as error:
            log.warning("images were not collected, will try again in %.0f s: %s", PERIOD, error)
            if self._failed_before:
                self._warn("ImageGCFailed", str(error))
            self._failed_before = True
        else:
            self._failed_before = False

    def remove_unused(self) -> None:
        """All that may go: the node's disk is short, and pods would be evicted."""
        try:
            candidates = self._removable()
            self._remove(candidates, sum(image.size for image in candidates))
        except (RuntimeFailure, GcFailed) as error:
            log.warning("not all unused images were removed: %s", error)

    def _collect(self) -> None:
        candidates = self._removable()
        old = too_old(candidates, self._records.all(), self._policy, self._clock.now())
        self._remove(old, sum(image.size for image in old))
        wanted = self._missing()
        if wanted <= 0:
            return
        log.info("the engine's disk is over the high threshold (%d%%): freeing %d bytes", self._policy.high, wanted)
        freed = self._remove([image for image in candidates if image not in old], wanted)
        if freed < wanted:
            message = (
                "Failed to garbage collect required amount of images. "
                f"Attempted to free {wanted} bytes, but only found {freed} bytes eligible to free."
            )
            self._warn("FreeDiskSpaceFailed", message)
            raise GcFailed(message)

    def _missing(self) -> int:
        """Bytes to free; 0 also where the disk is out of sight."""
        disk = self._runtime.disk()
        if disk is None:
            return 0
        if disk.capacity == 0:
            self._warn("InvalidDiskCapacity", "invalid capacity 0 on image filesystem")
            raise GcFailed("invalid capacity 0 on image filesystem")
        return bytes_to_free(disk, self._policy)

    def _removable(self) -> list[Image]:
        images, in_use = self._runtime.images(), self._runtime.images_in_use()
        self._records.used(in_use)
        self._records.keep(image.id for image in images)
        return removable(images, self._records.all(), in_use, self._policy, self._clock.now())

    def _remove(self, images: Iterable[Image], wanted: int) -> int:
        """Goes on with the next after a failure, and raises then."""
        freed, failures = 0, []
        for image in images:
            if freed >= wanted:
                break
            try:
                self._remove_names(image)
            except RuntimeFailure as failure:
                failures.append(str(failure))
            else:
                freed += image.size
        if freed:
            self._changed()
        if failures:
            raise GcFailed(
                f"wanted to free {wanted} bytes, but freed {freed} bytes space with errors in image deletion: "
                f"{'; '.join(failures)}"
            )
        return freed

    def _remove_names(self, image: Image) -> None:
        names = image.tags or image.digests or (image.id,)
        log.info("removing image %s (%s) to free %d bytes", ", ".join(names), image.id[:19], image.size)
        for name in names:
            self._runtime.remove_image(name)
