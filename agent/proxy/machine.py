"""What the proxy needs of the machine: the AnyIP routes and the DNS address."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import orjson

from agent.dns.server import DnsServer
from agent.proxy import anyip
from agent.proxy.anyip import Routes
from agent.proxy.loop import Loop
from agent.proxy.server import RETRY, explain
from agent.proxy.table import Frontend
from orchestrator.util.files import write_atomically
from orchestrator.util.settings import Settings

log = logging.getLogger(__name__)


class Machine:
    """Asks the machine again until it gives.

    The outcome is logged, and in HOME/run/proxy-NODE.json. The node's condition does not come from there: the agent
    asks the machine for the routes itself.
    """

    def __init__(self, loop: Loop, settings: Settings, node: str, serve_dns: Callable[[], DnsServer]) -> None:
        self._loop = loop
        self._networks = settings.networks
        self._status = status_file(settings.home, node)
        self._serve_dns = serve_dns
        self._dns_address = Frontend(settings.dns_ip, 53, "UDP")
        self._dns: DnsServer | None = None
        self._said: Routes | None = None

    def prepare(self) -> None:
        found = anyip.ensure_routes(self._networks)
        trouble = self._start_dns()
        if trouble:
            found = Routes(found.service_addresses, f"{found.message}; {trouble}")
        if found != self._said:
            self._said = found
            self._tell(found)
        if trouble or not found.service_addresses:
            self._loop.call_later(RETRY, self.prepare)

    def _start_dns(self) -> str:
        """What is in the way of DNS, or ""."""
        if self._dns is None:
            try:
                self._dns = self._serve_dns()
            except OSError as error:
                return f"DNS: {explain(self._dns_address, error, RETRY)}"
        return ""

    def _tell(self, found: Routes) -> None:
        log.log(logging.INFO if found.service_addresses else logging.WARNING, "%s", found.message)
        content = orjson.dumps({"service_addresses": found.service_addresses, "message": found.message})
        try:
            self._status.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._status, content)
        except OSError as error:
            log.warning("%s is not written: %s", self._status, error)


def status_file(home: Path, node: str) -> Path:
    return home / "run" / f"proxy-{node}.json"
