"""What the kubelet takes for a leftover, whoever is first: the API's list, the engine's, or its own threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from agent.admission import Admission, NodeView
from agent.kubelet import Kubelet
from agent.pod_memory import PodMemory
from agent.pod_worker import PodWorker
from agent.runtime.base import LABEL_NAMESPACE, LABEL_POD, LABEL_UID, ContainerState
from agent.volume_folders import VolumeFolders
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, uid
from orchestrator.client.informer import Informer
from orchestrator.util.clock import SystemClock
from tests.fakes.api import local_api
from tests.fakes.pods import pod


@dataclass
class Worker:
    """A worker that does nothing."""

    pod: Object
    memory: PodMemory = field(default_factory=lambda: PodMemory({}))

    def resend_status(self) -> None: ...

    def relist(self, found: list[ContainerState], at: float) -> None:
        self.memory.relist(found, at)


def container_of(pod: Object) -> ContainerState:
    meta = pod["metadata"]
    labels = {LABEL_UID: meta["uid"], LABEL_POD: meta["name"], LABEL_NAMESPACE: meta["namespace"]}
    return ContainerState("c1", "name", labels, image="nginx", image_id="", state="running")


def _roomy() -> NodeView:
    return NodeView({"metadata": {"name": "n1"}, "status": {"allocatable": {"pods": "10"}}})


def test_a_pod_listed_before_the_kubelet_starts_is_no_leftover() -> None:
    clock = SystemClock()
    _, client = local_api(clock)
    made = client.create(POD, {"metadata": {"name": "web", "namespace": "default"}, "spec": pod()["spec"]})
    informer = Informer(client, POD, clock=clock)
    begun: list[Worker] = []

    def make_worker(pod: Object, wake: object) -> PodWorker:
        begun.append(Worker(pod))
        return cast(PodWorker, begun[-1])

    kubelet = Kubelet(informer, make_worker, cast(VolumeFolders, None), Admission(_roomy), clock)
    informer.start()
    try:
        assert informer.wait_synced(10)
        kubelet.listed([container_of(made)], clock.monotonic())
    finally:
        informer.stop()
    assert [(uid(worker.pod), worker.memory.gone) for worker in begun] == [(uid(made), False)]
    assert [state.id for state in begun[0].memory.containers()] == ["c1"]
