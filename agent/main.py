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
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler

from agent import machine_usage
from agent.api_lookup import ApiLookup
from agent.engine_watch import EngineWatch
from agent.https import HttpsServer
from agent.image_gc import PERIOD as IMAGE_GC_PERIOD
from agent.image_service import ImageService
from agent.kubelet import Kubelet
from agent.lease import NodeLease
from agent.local_volumes import LocalVolumes
from agent.node_agent import NodeAgent, NodeIdentity
from agent.node_facts import engineless, primary_address
from agent.pod_actions import PodActions, Tools
from agent.pod_worker import PodWorker, Shared
from agent.pool import Pool
from agent.prober import Prober
from agent.proxy.anyip import ensure_routes
from agent.runtime.base import LABEL_CLUSTER, LABEL_NODE, EngineInfo, LogLimits, Runtime, RuntimeFailure
from agent.runtime.docker import DockerRuntime
from agent.runtime.node import NodeContext
from agent.runtime.resolver import parse_resolv_conf
from agent.server import make_app
from agent.stats import PERIOD, UsageMeter
from agent.status_sender import StatusSender
from agent.tokens import TokenManager
from agent.volume_folders import volume_folders
from agent.volumes import VolumeManager
from orchestrator.api.groups.core import POD, SERVICE
from orchestrator.client.client import Client
from orchestrator.client.events import EventRecorder
from orchestrator.client.http import HttpTransport
from orchestrator.client.informer import Informer
from orchestrator.util import descriptors, logs
from orchestrator.util.clock import Clock, SystemClock
from orchestrator.util.identity import Identity, identity
from orchestrator.util.settings import Settings, SettingsError, load

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

RESOLV_CONF = Path("/etc/resolv.conf")


class Agent:
    """All parts of one node's agent, put together. `identity` is the server's, and what its clients are checked by."""

    def __init__(
        self, settings: Settings, node: str, client: Client, runtime: Runtime, identity: Identity, clock: Clock
    ) -> None:
        self._name = node
        files = settings.node_dir(node)
        files.mkdir(parents=True, exist_ok=True)
        engine = _ask(runtime)
        context = _context(settings, node, engine)
        self._pods = Informer(client, POD, field_selector=f"spec.nodeName={node}", clock=clock)
        self._services = Informer(client, SERVICE, clock=clock)
        self._recorder = EventRecorder(client, "kubelet", node, clock=clock)
        self._statuses = StatusSender(client, clock)
        lookup = ApiLookup(client, self._services)
        folders = volume_folders(files, runtime)
        self._volumes = LocalVolumes(client, folders, node, clock)
        volumes = VolumeManager(folders, lookup, context, tokens=TokenManager(client, clock))
        self.images = ImageService(settings, runtime, files, clock, self._warn, lambda: self.node.images_changed())
        tools = Tools(runtime, self.images.manager, volumes, lookup, self._recorder, clock, context)
        kubelet = Kubelet(self._pods, lambda pod, wake: PodWorker(pod, shared, wake), folders, clock)
        self._prober = Prober(runtime, self._recorder, kubelet.wake, clock)
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
        )
        self.kubelet = kubelet
        meter = UsageMeter(kubelet, runtime, lambda: machine_usage.read(clock.now()))
        self._server = HttpsServer(make_app(node, kubelet, runtime, meter, clock), identity)
        self.port = self._server.port
        place = NodeIdentity(node, self.port, files, folders.persistent)
        self.node = NodeAgent(client, runtime, place, lambda: ensure_routes(settings.networks), clock, engine)
        labels = {LABEL_CLUSTER: settings.engine_name, LABEL_NODE: node}
        self.engine = EngineWatch(runtime, labels, kubelet, self.node.engine_reports, clock)
        lease = NodeLease(client, node, settings.node_grace, clock)
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._scheduler.add_job(lease.renew, "interval", seconds=settings.lease_renew, next_run_time=datetime.now(UTC))
        self._scheduler.add_job(self.engine.relist_if_reachable, "interval", seconds=RELIST)
        self._scheduler.add_job(kubelet.refresh_volumes, "interval", seconds=REFRESH)
        self._scheduler.add_job(self.images.collector.collect, "interval", seconds=IMAGE_GC_PERIOD)
        self._scheduler.add_job(meter.sample, "interval", seconds=PERIOD, next_run_time=datetime.now(UTC))

    def start(self) -> None:
        """The Node first: a cluster is up when its nodes are."""
        for part in (self.node, self.engine, self._pods, self._services, self.kubelet, self._prober):
            part.start()
        self._volumes.start()
        self._statuses.start()
        self._server.start()
        self._scheduler.start()

    def _warn(self, reason: str, message: str) -> None:
        """An Event about the node; like the kubelet's it has the name for a uid."""
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self._name, "uid": self._name}}
        self._recorder.event(node, "Warning", reason, message)

    def stop(self) -> None:
        """Pods go on running; the node is missed when its lease expires."""
        self._scheduler.shutdown(wait=False)
        for part in (self.engine, self._pods, self._services, self.kubelet, self._prober, self._statuses):
            part.stop()
        self._volumes.stop()
        self._server.stop()
        self.node.stop()
        self._recorder.stop()


def _ask(runtime: Runtime) -> EngineInfo | None:
    try:
        return runtime.info()
    except RuntimeFailure as error:
        log.warning("the engine does not answer, the node will not be ready until it does: %s", error)
        return None


def _context(settings: Settings, node: str, engine: EngineInfo | None) -> NodeContext:
    """Without service addresses pods get the machine's own resolver."""
    routed = ensure_routes(settings.networks).service_addresses
    known = engine or engineless()
    return NodeContext(
        cluster=settings.engine_name,
        node=node,
        dns_ip=settings.dns_ip if routed else "",
        cluster_domain=settings.cluster_domain,
        resolver=parse_resolv_conf(_read(RESOLV_CONF)),
        allocatable={"cpu": str(known.cpus), "memory": str(known.memory)},
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
