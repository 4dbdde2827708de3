"""The composition root of a node's proxy process: service proxy and DNS."""

from __future__ import annotations

import argparse
import gc
import logging
import signal
import sys
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from agent.dns.resolv import Resolvers
from agent.dns.server import DnsServer, Resolver
from agent.dns.upstream import PORT
from agent.dns.zone import Zone
from agent.proxy import anyip
from agent.proxy.feed import Feed
from agent.proxy.loop import Loop
from agent.proxy.machine import Machine
from agent.proxy.node import ServiceNode
from orchestrator.api.meta import Object
from orchestrator.client.client import Client
from orchestrator.client.events import EventRecorder
from orchestrator.client.http import HttpTransport
from orchestrator.client.informers import Informers
from orchestrator.util import descriptors, logs
from orchestrator.util.identity import identity
from orchestrator.util.settings import Settings, SettingsError, load

log = logging.getLogger(__name__)

#: Seconds that open connections get when the proxy is told to stop.
GRACE = 5.0
_RESOLV_CONF = Path("/etc/resolv.conf")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logs.setup()
    try:
        settings = load(options.home)
        if options.remove_routes:
            anyip.remove_routes(settings.networks)
        else:
            run(settings, options.node, dns_port=options.dns_port)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"the proxy ends: {error}", file=sys.stderr)
        return 1
    return 0


def run(settings: Settings, node: str, *, dns_port: int = PORT) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsError without a certificate, OSError when it cannot be read."""
    certificate = identity(settings.pki, "proxy")
    if not certificate.exists:
        raise SettingsError(f"{certificate.certificate} or its key is missing: run `podlab up`")
    # A connection takes two descriptors, a bulk transfer two more.
    descriptors.raise_limit()
    loop = Loop()
    client = Client(HttpTransport(settings.server, certificate, agent="kube-proxy"))
    recorder = EventRecorder(client, "kube-proxy", node)

    def warn(service: Object, reason: str, message: str) -> None:
        recorder.event(service, "Warning", reason, message)

    zone = Zone(settings.cluster_domain, settings.dns_ip, IPv4Network(settings.service_cidr))
    resolvers = Resolvers(_RESOLV_CONF, skip=(settings.dns_ip,))
    resolver = Resolver(loop, zone, lambda: [(ip, PORT) for ip in resolvers.current()])
    services = ServiceNode(loop, settings, node, zone, warn)
    Machine(loop, settings, node, lambda: DnsServer(loop, resolver, settings.dns_ip, dns_port)).prepare()
    services.load()
    feed = Feed(loop, Informers(client), services)
    feed.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_from_thread(lambda: services.proxy.stop(GRACE)))
    _calm_collector()
    loop.run()
    feed.stop()
    loop.close()


def _calm_collector() -> None:
    """Connections make no cycles, so looking for some is lost time: do it seldom, and not in what is there to stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agent.proxy", description="A node's service proxy and DNS.")
    parser.add_argument("--home", type=Path, required=True, metavar="DIR", help="the cluster's home folder")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--node", metavar="NAME", help="the node to serve")
    action.add_argument(
        "--remove-routes", action="store_true", help="remove the routes of the service addresses and end"
    )
    parser.add_argument("--dns-port", type=int, default=PORT, metavar="PORT", help="where DNS is served (%(default)s)")
    return parser
