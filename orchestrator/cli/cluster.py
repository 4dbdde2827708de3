"""A cluster as the CLI sees it: its settings, nodes, processes and identities."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.api import meta
from orchestrator.api.errors import ApiError
from orchestrator.api.groups import core
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.processes import Component
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.util.identity import identity
from orchestrator.util.settings import Settings, SettingsError, load

#: What of the control plane is a client of the API server, by component, and its user there.
_LOOPS = {"scheduler": "system:kube-scheduler", "controllers": "system:kube-controller-manager"}
_SERVER_HOSTS = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")


@dataclass(frozen=True, slots=True)
class Cluster:
    settings: Settings

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def nodes(self) -> list[str]:
        """The nodes this machine runs, in order of their numbers: each has a folder in HOME/nodes."""
        folder = self.home / "nodes"
        names = [entry.name for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []
        return sorted(names, key=lambda name: (len(name), name))

    def add_node(self, name: str) -> None:
        self.settings.node_dir(name).mkdir(parents=True, exist_ok=True)

    def remove_node(self, name: str) -> None:
        shutil.rmtree(self.settings.node_dir(name), ignore_errors=True)

    def control_plane(self) -> list[Component]:
        """The API server first: one process for all of it, or one for each part."""
        if not self.settings.split:
            return [self._component("master", "orchestrator")]
        return [self._component(name, "orchestrator", "--components", name) for name in ("api", *_LOOPS)]

    @property
    def serves(self) -> bool:
        """Whether the API server's process runs."""
        return self.control_plane()[0].pid() is not None

    def registry(self) -> Component:
        return self._component("registry", "registry", "run")

    def node_components(self, node: str) -> list[Component]:
        return [
            self._component(f"agent-{node}", "agent", "--node", node),
            self._component(f"proxy-{node}", "agent.proxy", "--node", node),
        ]

    def components(self) -> list[Component]:
        """Every process of the cluster, the control plane first."""
        of_nodes = [component for node in self.nodes for component in self.node_components(node)]
        return [*self.control_plane(), *of_nodes, self.registry()]

    def _component(self, name: str, module: str, *arguments: str) -> Component:
        return Component(name, self.home, module, ("--home", str(self.home), *arguments))

    def ensure_identities(self) -> None:
        """Make the keys and certificates that are missing; all processes can then start at once."""
        folder, token_key, wanted = self.settings.pki, self.settings.token_key, self._identities()
        if token_key.exists() and all(identity(folder, name).exists for name in wanted):
            return
        # Only who signs pays for loading what can.
        from orchestrator.util import pki

        pki.ensure_key(token_key)
        for name, (user, groups, hosts) in wanted.items():
            pki.ensure(folder, name, user, groups, hosts)

    def _identities(self) -> dict[str, tuple[str, list[str], list[str]]]:
        """Of each certificate, by its files' name: the user, the groups, and where a server has it the hosts."""
        settings = self.settings
        domain = f"kubernetes.default.svc.{settings.cluster_domain}"
        service_ip = str(settings.networks[0][1])
        hosts = [*_SERVER_HOSTS, domain, "127.0.0.1", service_ip, settings.api_host, socket.gethostname()]
        return {
            "apiserver": ("kube-apiserver", [], list(dict.fromkeys(hosts))),
            "admin": ("kubernetes-admin", ["system:masters"], []),
            "proxy": ("system:kube-proxy", [], []),
            **{name: (user, [], []) for name, user in _LOOPS.items()},
            "registry": ("podlab:registry", ["system:masters"], []),
            **{node: (f"system:node:{node}", ["system:nodes"], [node, *_own_addresses()]) for node in self.nodes},
        }

    def client(self) -> Client:
        return Client(self.transport())

    def transport(self) -> HttpTransport:
        return HttpTransport(self.settings.server, identity(self.settings.pki, "admin"))


def open_cluster(home: Path) -> Cluster:
    """The cluster in `home`. Raises Failure when there is none."""
    try:
        return Cluster(load(home))
    except SettingsError as error:
        raise Failure(str(error)) from None


def check_port(host: str, port: int) -> None:
    """Raises Failure when the API server could not listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Failure(
                f"{host}:{port} cannot be listened on ({error.strerror}): end what uses it, or choose --api-port"
            ) from None


def check_ranges(cluster: Cluster) -> None:
    """Raises Failure when a running cluster beside this one uses some of its service addresses: both proxies would
    listen on them, and connections end in either cluster."""
    for file in cluster.home.parent.glob("*/settings.json"):
        if file.parent == cluster.home:
            continue
        other = open_cluster(file.parent)
        shared = [a for a in other.settings.networks for b in cluster.settings.networks if a.overlaps(b)]
        if shared and any(component.pid() for component in other.components()):
            raise Failure(
                f"cluster {other.settings.cluster!r} is running on {shared[0]} too: stop it, or give this one its own "
                "addresses (--set service_cidr=10.98.0.0/16 --set dns_ip=10.98.0.10 "
                "--set load_balancer_cidr=10.99.0.0/24)"
            )


def wait_ready(cluster: Cluster, nodes: Sequence[str], timeout: float, waiting: Callable[[], None]) -> None:
    """Return when the API server is ready and each of `nodes` is Ready. Raises Failure saying what is not.

    `waiting` is called between two looks.
    """
    client = cluster.client()
    watched = [*cluster.control_plane(), *(c for node in nodes for c in cluster.node_components(node))]
    deadline = time.monotonic() + timeout
    while missing := _not_ready(client, nodes):
        for component in watched:
            if component.pid() is None:
                raise Failure(f"{component.name} ended: {component.last_words() or 'it said nothing'}")
        if time.monotonic() > deadline:
            raise Failure(
                f"{missing} after {timeout:.0f} s: see `podlab cluster-logs {watched[0].name}` and {cluster.home}/logs"
            )
        waiting()


def _not_ready(client: Client, nodes: Sequence[str]) -> str:
    """What is missing, or "" when all is there."""
    try:
        ready = {meta.name(node) for node in client.list(core.NODE).items if node_ready(node)}
    except ApiError as error:
        return f"the API server is not ready ({error.message})"
    missing = [node for node in nodes if node not in ready]
    return f"{', '.join(missing)} not Ready" if missing else ""


def node_ready(node: Object) -> bool:
    condition = meta.condition(node, "Ready")
    return condition is not None and condition.get("status") == "True"


def _own_addresses() -> list[str]:
    """Addresses an agent's server may be reached by: loopback and this machine's primary one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: picks the source address, sends nothing
            primary = [probe.getsockname()[0]]
        except OSError:
            primary = []
    return [*primary, "127.0.0.1"]
