"""All controllers, started and stopped together."""

from __future__ import annotations

from orchestrator.client.client import Client
from orchestrator.client.informers import Informers
from orchestrator.controllers.base import Context, Controller, Recorder
from orchestrator.controllers.bootstrap_tokens import TokenCleaner
from orchestrator.controllers.certificates import CertificateController
from orchestrator.controllers.clusterrole_aggregation import ClusterRoleAggregation
from orchestrator.controllers.crd import CustomResourceDefinitionController
from orchestrator.controllers.cronjob import CronJobController
from orchestrator.controllers.daemonset import DaemonSetController
from orchestrator.controllers.deployment import DeploymentController
from orchestrator.controllers.disruption import DisruptionController
from orchestrator.controllers.endpoints import EndpointsController
from orchestrator.controllers.endpointslice import EndpointSliceController
from orchestrator.controllers.endpointslice_mirroring import EndpointSliceMirroringController
from orchestrator.controllers.ephemeral_volume import EphemeralVolumeController
from orchestrator.controllers.garbagecollector import GarbageCollector
from orchestrator.controllers.hpa import HorizontalPodAutoscaling
from orchestrator.controllers.job import JobController
from orchestrator.controllers.job_orphans import JobPodReleaser
from orchestrator.controllers.loadbalancer import LoadBalancerController
from orchestrator.controllers.local_provisioner import LocalProvisioner
from orchestrator.controllers.namespace import NamespaceController
from orchestrator.controllers.node import NodeController
from orchestrator.controllers.podgc import PodGarbageCollector
from orchestrator.controllers.replicaset import ReplicaSetController, ReplicationManager
from orchestrator.controllers.resourcequota import ResourceQuotaController
from orchestrator.controllers.root_ca import RootCAPublisher
from orchestrator.controllers.serviceaccount import ServiceAccountController
from orchestrator.controllers.serviceaccount_tokens import ServiceAccountTokens
from orchestrator.controllers.stale_disruption import StaleDisruptionController
from orchestrator.controllers.statefulset import StatefulSetController
from orchestrator.controllers.taint_eviction import TaintEvictionController
from orchestrator.controllers.ttl_after_finished import TTLAfterFinishedController
from orchestrator.controllers.volume_binding import VolumeBinder
from orchestrator.controllers.volume_protection import ClaimProtection, VolumeProtection
from orchestrator.util.clock import Clock
from orchestrator.util.settings import Settings

#: To add a controller, write its file and add it here.
CONTROLLERS: tuple[type[Controller], ...] = (
    ServiceAccountController,
    ServiceAccountTokens,
    RootCAPublisher,
    ClusterRoleAggregation,
    CustomResourceDefinitionController,
    DeploymentController,
    ReplicaSetController,
    JobController,
    JobPodReleaser,
    CronJobController,
    TTLAfterFinishedController,
    ReplicationManager,
    StatefulSetController,
    DaemonSetController,
    HorizontalPodAutoscaling,
    DisruptionController,
    StaleDisruptionController,
    EndpointsController,
    EndpointSliceController,
    EndpointSliceMirroringController,
    LoadBalancerController,
    NodeController,
    TaintEvictionController,
    PodGarbageCollector,
    CertificateController,
    TokenCleaner,
    ResourceQuotaController,
    VolumeBinder,
    LocalProvisioner,
    EphemeralVolumeController,
    ClaimProtection,
    VolumeProtection,
    NamespaceController,
    GarbageCollector,
)


class Controllers:
    """Registers every controller with `informers`, which the caller starts after this and stops before `stop`."""

    def __init__(
        self, client: Client, informers: Informers, recorder: Recorder, clock: Clock, settings: Settings
    ) -> None:
        context = Context(client, informers, recorder, clock, settings)
        self._controllers = [controller(context) for controller in CONTROLLERS]

    def start(self) -> None:
        """Returns at once; each controller begins when the informers it needs are in step."""
        for controller in self._controllers:
            controller.start()

    def stop(self) -> None:
        """Returns when the last sync has ended."""
        for controller in self._controllers:
            controller.stop()
