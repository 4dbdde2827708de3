"""One node's images, put together: pulled for its pods, remembered, and collected when nobody needs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from agent.image_gc import ImageCollector, Warn
from agent.image_gc_plan import GcPolicy
from agent.image_records import ImageRecords
from agent.images import ImageManager
from agent.puller import Puller
from agent.runtime.base import Image, Runtime
from orchestrator.util.clock import Clock
from orchestrator.util.settings import Settings

#: In the node's folder.
FILE = "images.json"


class ImageService:
    """`warn` tells of the node; `changed` is called when there are other images than before."""

    def __init__(
        self, settings: Settings, runtime: Runtime, folder: Path, clock: Clock, warn: Warn, changed: Callable[[], None]
    ) -> None:
        records = ImageRecords(folder / FILE, clock)

        def pulled(reference: str, before: Image | None, image: Image) -> None:
            records.pulled(reference, before, image)
            changed()

        limit = 1 if settings.serialize_image_pulls else settings.max_parallel_image_pulls
        puller = Puller(runtime, clock, pulled, limit, settings.image_platform)
        self.manager = ImageManager(runtime, puller, clock, lambda image: records.used([image.id]))
        self.collector = ImageCollector(runtime, records, _policy(settings), clock, warn, changed)


def _policy(settings: Settings) -> GcPolicy:
    return GcPolicy(
        high=settings.image_gc_high_threshold_percent,
        low=settings.image_gc_low_threshold_percent,
        min_age=settings.image_minimum_gc_age,
        max_age=settings.image_maximum_gc_age,
        foreign=settings.image_gc_foreign,
    )
