"""A cluster's settings: one file in its home folder, written by `podlab up`, read by every process.

Home layout (`$PODLAB_HOME`, `~/.podlab` by default, then the cluster's name):

    settings.json   this
    pki/            ca.crt, ca.key, and NAME.crt, NAME.key for each identity (`orchestrator.util.pki`);
                    sa.key, which signs service account tokens
    store/          the JSON store's journal and snapshots
    nodes/NODE/     an agent's pods: volumes, termination messages
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
    #: Autoscalers look at what their targets use this often.
    autoscaler_sync: float = 15.0
    #: How long the store keeps history.
    history: float = 3600.0
    #: How long Events are kept.
    event_ttl: float = 3600.0
    registry_host: str = "localhost"
    registry_port: int = 5001
    #: API server, scheduler and controllers as processes of their own, so that a lab can stop one of them.
    split: bool = False
    #: Docker Engine's address; "" takes DOCKER_HOST or the default socket.
    engine: str = ""

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
    # Nor is NaN more than 0.
    if not settings.autoscaler_sync > 0:
        raise SettingsError(f"autoscaler_sync {settings.autoscaler_sync} is not more than 0 seconds")
