"""One node's service proxy and DNS: what is published becomes the routing table and the zone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from agent.dns.zone import Zone
from agent.proxy import catalog
from agent.proxy.catalog import Catalog, Published
from agent.proxy.loop import Loop, Timer
from agent.proxy.server import Proxy
from agent.proxy.table import Frontend, Route, merge, routes
from orchestrator.api.meta import Key, Object
from orchestrator.util import threads
from orchestrator.util.files import write_atomically
from orchestrator.util.settings import Settings

log = logging.getLogger(__name__)

#: Seconds between a change and its copy on disk; a burst is written once.
_SAVE_AFTER = 1.0

#: (Service, reason, message) of a Warning event.
Warn = Callable[[Object, str, str], None]


class ServiceNode:
    """Everything runs in the loop's thread."""

    def __init__(self, loop: Loop, settings: Settings, node: str, zone: Zone, warn: Warn) -> None:
        self.proxy = Proxy(loop, self._warn)
        self._loop = loop
        self._settings = settings
        self._node = node
        self._zone = zone
        self._report = warn
        self._catalog: Catalog = {}
        self._parts: dict[Key, dict[Frontend, Route]] = {}
        self._file = settings.node_dir(node) / "proxy-table.json"
        self._save_timer: Timer | None = None
        self._saving = False

    def load(self) -> None:
        """Begin with what was last known, so that services work while the API server is down."""
        self.changed(catalog.load(self._file))
        log.info("%d services from %s until the API server answers", len(self._catalog), self._file)

    def synced(self, services: Catalog) -> None:
        gone: dict[Key, Published | None] = dict.fromkeys(self._catalog.keys() - services.keys())
        self.changed(gone | services)
        log.info("following %d services", len(services))

    def changed(self, services: Mapping[Key, Published | None]) -> None:
        for key, entry in services.items():
            if entry is None:
                self._catalog.pop(key, None)
                self._parts.pop(key, None)
                self._zone.update(key, None)
            else:
                self._catalog[key] = entry
                self._parts[key] = self._routes(entry)
                self._zone.update(key, entry.service, entry.slices)
        self.proxy.apply(merge(self._parts.values()))
        if services and self._save_timer is None:
            self._save_timer = self._loop.call_later(_SAVE_AFTER, self._save)

    def _routes(self, entry: Published) -> dict[Frontend, Route]:
        """The Service's routes but those to the DNS server, which answers itself."""
        table = routes(entry.service, entry.slices, self._node)
        return {front: route for front, route in table.items() if (front.ip, front.port) != (self._settings.dns_ip, 53)}

    def _warn(self, route: Route, message: str) -> None:
        if route.service in self._catalog:
            self._report(self._catalog[route.service].service, "FailedBinding", message)

    def _save(self) -> None:
        """Write the catalog from a thread: the disk may take its time, and connections would wait."""
        if self._saving:
            self._save_timer = self._loop.call_later(_SAVE_AFTER, self._save)
            return
        self._save_timer = None
        self._saving = True
        content = catalog.encode(self._catalog)
        threads.start("save-table", lambda: self._write(content))

    def _write(self, content: bytes) -> None:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, content)
        except OSError as error:
            log.warning(
                "%s is not saved (%s): a proxy that starts while the API server is down has no services",
                self._file,
                error,
            )
        finally:
            self._saving = False
