"""The agent's composition root: `python -m agent --home DIR --node NAME`.

The agent stops on SIGTERM; its containers do not. A next agent finds them by their labels.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler

from agent import machine_usage, node_facts
from agent.admission import Admission, NodeView
from agent.api_lookup import ApiLookup
from agent.deferred import DeferredApp
from agent.engine_watch import EngineWatch
from agent.eviction import manager as eviction
from agent.eviction.config import eviction_config
from agent.eviction.manager import EvictionManager, EvictionTools
from agent.eviction.signals import observe
from agent.eviction.storage import StorageMeter
from agent.https import HttpsServer
from agent.image_gc import PERIOD as IMAGE_GC_PERIOD
from agent.image_service import ImageService
from agent.image_volumes import ImageVolumes
from agent.kubelet import Kubelet
from agent.lease import NodeLease
from agent.local_volumes import LocalVolumes
from agent.metrics.figures import Figures
from agent.mirror_pods import MirrorPods
from agent.node_agent import NodeAgent, NodeIdentity, NodeState
from agent.node_facts import engineless, primary_address
from agent.node_figures import NodeMeter
from agent.node_object import node_reference
from agent.node_resources import Quantities, node_resources
from agent.pod_actions import PodActions, Tools
from agent.pod_worker import PodWorker, Shared
from agent.pool import Pool
from agent.prober import Prober
from agent.proxy.anyip import ensure_routes
from agent.reports import Reports
from agent.runtime.base import LABEL_CLUSTER, LABEL_NODE, EngineInfo, LogLimits, Runtime, RuntimeFailure
from agent.runtime.docker import DockerRuntime
from agent.runtime.node import NodeContext
from agent.runtime.resolver import parse_resolv_conf
from agent.shutdown.logind import shutdown_inhibitor
from agent.shutdown.manager import NodeShutdown, ShutdownPeriods
from agent.static_pods import StaticPods
from agent.stats import PERIOD, UsageMeter
from agent.status_sender import StatusSender
from agent.termination import TerminationMessages
from agent.tokens import TokenManager
from agent.volume_folders import volume_folders
from agent.volumes import VolumeManager
from orchestrator.api.groups.core import POD, SERVICE
from orchestrator.client.client import Client
from orchestrator.client.events import EventRecorder, EventType
from orchestrator.client.http import HttpTransport
from orchestrator.client.informer import Informer
from orchestrator.util import descriptors, logs
from orchestrator.util.clock import Clock, SystemClock
from orchestrator.util.identity import Identity, identity
from orchestrator.util.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("agent")

#: Engine calls that start or remove something, at one time; more only wait for each other.
QUICK = 8
#: Stops at one time: they mostly wait.
SLOW = 64
#: Containers that wait for their images at one time, each for its own: a pull that hangs keeps no other waiting.
IMAGES = 512
#: Seconds between listings of all containers, the safety net under the engine's events.
RELIST = 45.0
#: Seconds between looks for new contents of ConfigMap and Secret volumes (the kubelet's sync period).
REFRESH = 60.0
#: Seconds between looks at the folder of static pods, and its name in the node's.
LOOK_FOR_MANIFESTS = 1.0
MANIFESTS = "manifests"

RESOLV_CONF = Path("/etc/resolv.conf")


class Agent:
    """All parts of one node's agent, put together. `identity` is the server's, and what its clients are checked by."""

    def __init__(
        self, settings: Settings, node: str, client: Client, runtime: Runtime, identity: Identity, clock: Clock
    ) -> None:
        files = settings.node_dir(node)
        files.mkdir(parents=True, exist_ok=True)
        resources = node_resources(settings)
        engine = _ask(runtime)
        _, for_pods = resources(engine or engineless(), node_facts.machine(engine, files))
        context = _context(settings, node, for_pods)
        self._pods = Informer(client, POD, field_selector=f"spec.nodeName={node}", clock=clock)
        self._services = Informer(client, SERVICE, clock=clock)
        self._recorder = EventRecorder(client, "kubelet", node, clock=clock)
        mirrors = MirrorPods(client, node)
        self._pods.add_handler(mirrors.pod_changed)
        self._statuses = StatusSender(client, clock, mirrors.shown_as)
        lookup = ApiLookup(client, self._services)
        folders = volume_folders(files, runtime)
        self._volumes = LocalVolumes(client, folders, node, clock)
        volumes = VolumeManager(
            folders, lookup, context, tokens=TokenManager(client, clock), images=ImageVolumes(folders, runtime)
        )

        def tell(reason: str, message: str, type: EventType = "Normal") -> None:
            self._recorder.event(node_reference(node), type, reason, message)

        warn = partial(tell, type="Warning")
        self.images = ImageService(settings, runtime, files, clock, warn, lambda: self.node.changed())
        messages = TerminationMessages(runtime, folders)
        tools = Tools(runtime, self.images.manager, volumes, lookup, self._recorder, clock, context, messages)
        admission = Admission(
            lambda: NodeView(
                self.node.object, context.abilities, self.evictions.conditions, self.node_shutdown.shutting_down
            )
        )
        kubelet = Kubelet(self._pods, lambda pod, wake: PodWorker(pod, shared, wake), folders, admission, clock)
        self._prober = Prober(runtime, self._recorder, kubelet.wake, clock)
        figures = Figures()
        shared = Shared(
            actions=PodActions(tools),
            prober=self._prober,
            statuses=self._statuses,
            recorder=self._recorder,
            clock=clock,
            quick=Pool("pod-quick", QUICK),
            slow=Pool("pod-slow", SLOW),
            images=Pool("pod-image", IMAGES),
            host_ip=primary_address(),
            others=kubelet.others,
            allocatable=context.allocatable,
            figures=figures,
        )
        self.kubelet = kubelet
        self.statics = StaticPods(files / MANIFESTS, node, kubelet, mirrors, self._recorder, clock)
        self.meter = meter = UsageMeter(kubelet, runtime, lambda: machine_usage.read(clock.now()))
        storage = StorageMeter(runtime, folders, clock)
        machine = NodeMeter(kubelet, storage, files, lambda: self.node.engine_root)
        eviction_tools = EvictionTools(
            kubelet=kubelet,
            runtime=runtime,
            storage=storage,
            clock=clock,
            observe=lambda: observe(files, self.node.engine_root),
            tell=warn,
            changed=lambda: self.node.changed(),
            evicted=figures.evicted,
            reclaim=[self.images.collector.remove_unused],
        )
        self.evictions = EvictionManager(eviction_config(settings), eviction_tools)
        periods = ShutdownPeriods(settings.shutdown_grace_period, settings.shutdown_grace_period_critical_pods)
        self.node_shutdown = NodeShutdown(kubelet, self._statuses, periods, lambda: self.node.changed(), tell, clock)
        self._inhibitor = shutdown_inhibitor(self.node_shutdown, periods.total, clock)
        reports = Reports(node, kubelet, meter, machine, figures, self._prober.figures, self.node_shutdown, clock)
        self._server = HttpsServer(DeferredApp(lambda: _app(kubelet, runtime, reports, clock)), identity)
        self.port = self._server.port
        place = NodeIdentity(node, self.port, files, folders.persistent)
        state = NodeState(resources, lambda: self.evictions.conditions, lambda: self.node_shutdown.problem, tell)
        self.node = NodeAgent(client, runtime, place, lambda: ensure_routes(settings.networks), clock, state, engine)
        self.evictions.look()
        labels = {LABEL_CLUSTER: settings.engine_name, LABEL_NODE: node}
        self.engine = EngineWatch(runtime, labels, kubelet, self.node.engine_reports, clock)
        lease = NodeLease(client, node, settings.node_grace, clock)
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._scheduler.add_job(lease.renew, "interval", seconds=settings.lease_renew, next_run_time=datetime.now(UTC))
        self._scheduler.add_job(self.engine.relist_if_reachable, "interval", seconds=RELIST)
        self._scheduler.add_job(kubelet.refresh_volumes, "interval", seconds=REFRESH)
        self._scheduler.add_job(self.statics.load, "interval", seconds=LOOK_FOR_MANIFESTS)
        self._scheduler.add_job(self.statics.show, "interval", seconds=LOOK_FOR_MANIFESTS)
        self._scheduler.add_job(self.images.collector.collect, "interval", seconds=IMAGE_GC_PERIOD)
        self._scheduler.add_job(meter.sample, "interval", seconds=PERIOD, next_run_time=datetime.now(UTC))
        self._scheduler.add_job(self.evictions.synchronize, "interval", seconds=eviction.PERIOD)

    def start(self) -> None:
        """The Node first: a cluster is up when its nodes are. Static pods are known before the engine is asked."""
        self.statics.load()
        for part in (self.node, self.engine, self._pods, self._services, self.kubelet, self._prober):
            part.start()
        self._volumes.start()
        self._statuses.start()
        self._server.start()
        if self._inhibitor is not None:
            self._inhibitor.start()
        self._scheduler.start()

    def stop(self) -> None:
        """Pods go on running; the node is missed when its lease expires."""
        self._scheduler.shutdown(wait=False)
        self.node_shutdown.stop()
        if self._inhibitor is not None:
            self._inhibitor.stop()
        for part in (self.engine, self._pods, self._services, self.kubelet, self._prober, self._statuses):
            part.stop()
        self._volumes.stop()
        self._server.stop()
        self.node.stop()
        self._recorder.stop()


def _app(kubelet: Kubelet, runtime: Runtime, reports: Reports, clock: Clock) -> WSGIApplication:
    from agent.server import make_app

    return make_app(kubelet, runtime, reports, clock)


def _ask(runtime: Runtime) -> EngineInfo | None:
    try:
        return runtime.info()
    except RuntimeFailure as error:
        log.warning("the engine does not answer, the node will not be ready until it does: %s", error)
        return None


def _context(settings: Settings, node: str, allocatable: Quantities) -> NodeContext:
    """Without service addresses pods get the machine's own resolver."""
    routed = ensure_routes(settings.networks).service_addresses
    return NodeContext(
        cluster=settings.engine_name,
        node=node,
        dns_ip=settings.dns_ip if routed else "",
        cluster_domain=settings.cluster_domain,
        resolver=parse_resolv_conf(_read(RESOLV_CONF)),
        pids_limit=settings.pod_pids_limit,
        allocatable=allocatable,
        abilities=node_facts.abilities(),
        seccomp_profiles=settings.home / "seccomp",
        logs=LogLimits(settings.container_log_max_size, settings.container_log_max_files),
    )


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError as error:
        log.warning("%s cannot be read, pods get the engine's resolver: %s", file, error)
        return ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m agent", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--node", required=True)
    arguments = parser.parse_args()
    logs.setup()
    descriptors.raise_limit()
    # A heartbeat that finds the one before still waiting for the API is left out; that is no news.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    try:
        settings = load(arguments.home)
        agent = make_agent(settings, arguments.node)
    except (SettingsError, OSError) as error:
        sys.exit(f"podlab agent: {error}")
    agent.start()
    stopping.wait()
    agent.stop()


def make_agent(settings: Settings, node: str) -> Agent:
    """Of this machine's engine and the cluster's API server. Raises OSError when a file is missing."""
    own = identity(settings.pki, node)
    client = Client(HttpTransport(settings.server, own, agent="kubelet"))
    return Agent(settings, node, client, DockerRuntime(settings.engine), own, SystemClock())
