"""A cluster's settings: one file in its home folder, written by `podlab up`, read by every process.

Home layout (`$PODLAB_HOME`, `~/.podlab` by default, then the cluster's name):

    settings.json   this
    pki/            ca.crt, ca.key, and NAME.crt, NAME.key for each identity (`orchestrator.util.pki`);
                    sa.key, which signs service account tokens
    store/          the JSON store's journal and snapshots
    seccomp/        profiles that pods name (`seccompProfile` of type Localhost), put there by the user
    nodes/NODE/     an agent's pods: volumes, termination messages; `manifests` has the node's static pods
    logs/           COMPONENT.log
    run/            COMPONENT.pid
    cache/          what can be made again
"""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from orchestrator.util.files import write_atomically


class SettingsError(ValueError):
    """The settings cannot be used; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Times are in seconds. Addresses are IPv4."""

    home: Path
    cluster: str = "podlab"
    #: Tells the cluster from others of its name in other homes; made once, with the cluster.
    id: str = ""
    #: Where the API server listens.
    api_host: str = "127.0.0.1"
    api_port: int = 6443
    cluster_domain: str = "cluster.local"
    service_cidr: str = "10.96.0.0/16"
    #: Addresses for Services of type LoadBalancer.
    load_balancer_cidr: str = "10.97.0.0/24"
    dns_ip: str = "10.96.0.10"
    node_ports: tuple[int, int] = (30000, 32767)
    #: The agent renews its Lease this often.
    lease_renew: float = 2.0
    #: A node whose Lease is older than this is NotReady (Kubernetes: 40).
    node_grace: float = 8.0
    #: Default tolerationSeconds for not-ready and unreachable (Kubernetes: 300).
    eviction_seconds: int = 10
    #: Pods that one node takes.
    max_pods: int = 110
    #: Set aside on each node, for podlab itself and for the rest of the machine: `cpu=500m,memory=1Gi`.
    kube_reserved: str = ""
    system_reserved: str = ""
    #: When pods are evicted from a node, in the notation of the kubelet's flags (`agent.eviction.config`). The disk's
    #: thresholds are no shares (Kubernetes: 10% and 15%): a laptop's disk may be nearly full and have room enough.
    eviction_hard: str = (
        "memory.available<100Mi,nodefs.available<1Gi,nodefs.inodesFree<5%,"
        "imagefs.available<1Gi,imagefs.inodesFree<5%,pid.available<1000"
    )
    eviction_soft: str = ""
    eviction_soft_grace_period: str = ""
    eviction_minimum_reclaim: str = ""
    #: The most that a pod gets to end when a soft threshold is met.
    eviction_max_pod_grace_period: int = 0
    #: How long a node stays under pressure after it was last seen to be (Kubernetes: 300).
    eviction_pressure_transition_period: float = 30.0
    #: How long the machine's shutdown is held up for pods to end, and how much of that is for critical ones. 0: it is
    #: not, and all pods go on where they were when the machine is back.
    shutdown_grace_period: float = 0.0
    shutdown_grace_period_critical_pods: float = 0.0
    #: Autoscalers look at what their targets use this often.
    autoscaler_sync: float = 15.0
    #: How long the store keeps history.
    history: float = 3600.0
    #: How long Events are kept.
    event_ttl: float = 3600.0
    #: Processes and threads that each container of a pod may have; 0 for any number, which is Kubernetes' default.
    pod_pids_limit: int = 4096
    registry_host: str = "localhost"
    registry_port: int = 5001
    #: API server, scheduler and controllers as processes of their own, so that a lab can stop one of them.
    split: bool = False
    #: Docker Engine's address; "" takes DOCKER_HOST or the default socket.
    engine: str = ""
    #: One pull at a time (the kubelet's serializeImagePulls); else at most so many at once, 0 for any number.
    serialize_image_pulls: bool = False
    max_parallel_image_pulls: int = 0
    #: What is pulled of images for several platforms, as `linux/amd64`; "" for the engine's own.
    image_platform: str = ""
    #: Percent of the engine's disk in use: from the first on unused images are removed, until the second is reached.
    image_gc_high_threshold_percent: int = 85
    image_gc_low_threshold_percent: int = 80
    #: An image younger than this, or used more recently, stays (the kubelet's imageMinimumGCAge).
    image_minimum_gc_age: float = 120.0
    #: An image that nobody used for so long goes, however empty the disk is (imageMaximumGCAge); 0 for never.
    image_maximum_gc_age: float = 0.0
    #: Whether images may be removed that podlab's pods did not bring here: all that no container uses.
    image_gc_foreign: bool = False
    #: Of each container's output so many files of so many bytes are kept.
    container_log_max_size: int = 10 << 20
    container_log_max_files: int = 5

    @property
    def server(self) -> str:
        return f"https://{self.api_host}:{self.api_port}"

    @property
    def engine_name(self) -> str:
        """What the cluster is called on the engine, in labels and names: nobody else's containers bear it."""
        return f"{self.cluster}-{self.id}" if self.id else self.cluster

    @property
    def networks(self) -> tuple[ipaddress.IPv4Network, ipaddress.IPv4Network]:
        """The addresses of Services: cluster IPs, and load balancers."""
        return ipaddress.IPv4Network(self.service_cidr), ipaddress.IPv4Network(self.load_balancer_cidr)

    @property
    def pki(self) -> Path:
        return self.home / "pki"

    @property
    def token_key(self) -> Path:
        return self.pki / "sa.key"

    @property
    def store(self) -> Path:
        return self.home / "store"

    def node_dir(self, node: str) -> Path:
        return self.home / "nodes" / node

    def save(self) -> None:
        values = {**asdict(self), "node_ports": list(self.node_ports)}
        del values["home"]
        self.home.mkdir(parents=True, exist_ok=True)
        write_atomically(self.home / "settings.json", json.dumps(values, indent=2).encode())


def default_home(cluster: str = "podlab") -> Path:
    return Path(os.environ.get("PODLAB_HOME") or Path.home() / ".podlab") / cluster


def load(home: Path) -> Settings:
    """The settings saved in `home`. Raises SettingsError."""
    file = home / "settings.json"
    try:
        values = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise SettingsError(f"there is no cluster in {home}: run `podlab up` first") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be read ({error}): repair or remove it") from None
    known = {field.name for field in fields(Settings)} - {"home"}
    if unknown := set(values) - known:
        raise SettingsError(f"{file} has unknown settings: {', '.join(sorted(unknown))}")
    if "node_ports" in values:
        low, high = values["node_ports"]
        values["node_ports"] = (low, high)
    settings = Settings(home=home, **values)
    check(settings)
    return settings


def check(settings: Settings) -> None:
    """Raises SettingsError when the values contradict each other, or make no sense."""
    try:
        services, _ = settings.networks
        dns = ipaddress.IPv4Address(settings.dns_ip)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    if dns not in services:
        raise SettingsError(f"dns_ip {dns} is not in service_cidr {services}")
    if not 0 <= settings.shutdown_grace_period_critical_pods <= settings.shutdown_grace_period:
        raise SettingsError("shutdown_grace_period_critical_pods is a part of shutdown_grace_period: choose less")
    # Nor is NaN more than 0.
    if not settings.autoscaler_sync > 0:
        raise SettingsError(f"autoscaler_sync {settings.autoscaler_sync} is not more than 0 seconds")
    _check_images(settings)
    if settings.container_log_max_size <= 0:
        raise SettingsError("container_log_max_size must be greater than 0")
    if settings.container_log_max_files < 2:
        raise SettingsError("container_log_max_files must be greater than 1")


def _check_images(settings: Settings) -> None:
    """Raises SettingsError, where the kubelet would not start either."""
    low, high = settings.image_gc_low_threshold_percent, settings.image_gc_high_threshold_percent
    if not 0 <= low < high <= 100:
        raise SettingsError(
            f"image_gc_low_threshold_percent {low} must be less than image_gc_high_threshold_percent {high}, "
            "both from 0 to 100"
        )
    if settings.max_parallel_image_pulls < 0:
        raise SettingsError("max_parallel_image_pulls must not be negative (0: no limit)")
    if settings.serialize_image_pulls and settings.max_parallel_image_pulls > 1:
        raise SettingsError("max_parallel_image_pulls cannot be larger than 1 unless serialize_image_pulls is false")
    if settings.image_minimum_gc_age < 0 or settings.image_maximum_gc_age < 0:
        raise SettingsError("image_minimum_gc_age and image_maximum_gc_age must not be negative")
    if 0 < settings.image_maximum_gc_age <= settings.image_minimum_gc_age:
        raise SettingsError("image_maximum_gc_age must be greater than image_minimum_gc_age (0: never)")
