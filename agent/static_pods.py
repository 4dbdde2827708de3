"""Static pods: what is in the node's folder of manifests runs, whatever the API says or whether there is one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from agent.kubelet import Kubelet
from agent.manifest_folder import ManifestFolder
from agent.mirror_pods import MirrorPods
from orchestrator.api.meta import Object, key, name, namespace, uid
from orchestrator.client.events import EventRecorder
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)


class StaticPods:
    """`load` and `show` are to be called again and again."""

    def __init__(
        self, folder: Path, node: str, kubelet: Kubelet, mirrors: MirrorPods, recorder: EventRecorder, clock: Clock
    ) -> None:
        self._folder = ManifestFolder(folder, node, self._refused, clock)
        self._kubelet, self._mirrors, self._recorder = kubelet, mirrors, recorder
        self._node: Object = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node, "uid": node}}
        #: Those that were begun, by uid.
        self._running: dict[str, Object] = {}
        self._loading, self._showing = threading.Lock(), threading.Lock()

    def load(self) -> None:
        """Begin what is new and end what is gone; a file that changed is a new pod, begun when the old one is down."""
        with self._loading:
            try:
                self._run({uid(pod): pod for pod in self._folder.pods()})
            except OSError as error:
                log.error("static pods: the folder cannot be read, what runs goes on: %s", error)

    def show(self) -> None:
        """Have the API show what runs; that may take as long as the API likes."""
        with self._showing:
            self._mirrors.sync(list(self._running.values()))

    def _run(self, wanted: Mapping[str, Object]) -> None:
        for gone in self._running.keys() - wanted.keys():
            pod = self._running.pop(gone)
            log.info("%s: its manifest is gone or changed, it will be ended", key(pod))
            self._kubelet.pod_changed(pod, None)
        for new in wanted.keys() - self._running.keys():
            pod = wanted[new]
            if self._kubelet.worker(namespace(pod), name(pod)) is None:
                self._running[new] = pod
                self._kubelet.pod_changed(None, pod)

    def _refused(self, file: str, why: str) -> None:
        self._recorder.event(self._node, "Warning", "InvalidStaticPod", f"manifest {file} is not used: {why}")
