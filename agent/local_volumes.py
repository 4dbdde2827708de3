"""The folders of podlab's own persistent volumes on this node: they go when their volumes do.

A volume that is deleted stays in the API, by a finalizer, until the node has removed its folder. So nothing is
forgotten while the node, or the API, is away.
"""

from __future__ import annotations

import logging
from pathlib import Path

from agent.runtime.base import EngineUnreachable
from agent.volume_folders import VolumeError, VolumeFolders
from orchestrator.api.claims import FOLDER_FINALIZER, LOCAL, SELECTED_NODE, held_by, provisioned_by
from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.groups.core import PERSISTENT_VOLUME
from orchestrator.api.meta import Key, Object, finalizers, key, name, resource_version, spec
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer
from orchestrator.client.workqueue import WorkQueue
from orchestrator.util import threads
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)


class LocalVolumes:
    def __init__(self, client: Client, folders: VolumeFolders, node: str, clock: Clock) -> None:
        self._client, self._folders, self._node = client, folders, node
        self._queue = WorkQueue(clock)
        self._volumes = Informer(client, PERSISTENT_VOLUME, clock=clock)
        self._volumes.add_handler(self._changed)

    def start(self) -> None:
        self._volumes.start()
        threads.start("local-volumes", self._run)

    def stop(self) -> None:
        self._volumes.stop()
        self._queue.shut_down()

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and is_to_go(new, self._node):
            self._queue.add(key(new))

    def _run(self) -> None:
        while (due := self._queue.get()) is not None:
            try:
                self._sync(due)
            except (ApiError, VolumeError, EngineUnreachable) as error:
                log.warning("volume %s: its folder stays for now, will try again: %s", due, error)
                self._queue.add_rate_limited(due)
            else:
                self._queue.forget(due)
            self._queue.done(due)

    def _sync(self, due: Key) -> None:
        volume = self._volumes.cache.get(due)
        if volume is None or not is_to_go(volume, self._node):
            return
        if spec(volume).get("persistentVolumeReclaimPolicy") == "Delete":
            self._folders.remove_persistent(Path(spec(volume)["local"]["path"]))
        left = [each for each in finalizers(volume) if each != FOLDER_FINALIZER]
        patch = {"metadata": {"finalizers": left or None, "resourceVersion": resource_version(volume)}}
        try:
            self._client.patch(PERSISTENT_VOLUME, name(volume), patch)
        except NotFound:
            log.debug("volume %s: was let go by another", due)


def is_to_go(volume: Object, node: str) -> bool:
    """The volume is deleted, nobody else holds it, and its folder is on `node`."""
    ours = provisioned_by(volume) == LOCAL and annotations_of(volume).get(SELECTED_NODE) == node
    return ours and held_by(volume, FOLDER_FINALIZER) and finalizers(volume) == [FOLDER_FINALIZER]
