"""The API server as one thing to start and stop."""

from __future__ import annotations

import random
import ssl
import threading

from orchestrator.api.builtin import BUILTIN
from orchestrator.server import admission
from orchestrator.server.agents import Agents
from orchestrator.server.app import ApiApp
from orchestrator.server.authentication import Authenticator, read_tokens
from orchestrator.server.bootstrap import bootstrap
from orchestrator.server.documents import Documents
from orchestrator.server.health import Health
from orchestrator.server.resources import Resources
from orchestrator.server.security import security
from orchestrator.server.served import ServedKinds
from orchestrator.server.summaries import summaries_of
from orchestrator.server.sweeper import EventSweeper
from orchestrator.server.wsgi import Server
from orchestrator.store.base import Store
from orchestrator.util import threads
from orchestrator.util.clock import Clock
from orchestrator.util.identity import identity
from orchestrator.util.server_tls import server_context
from orchestrator.util.settings import Settings, SettingsError


class ApiServer:
    """`resources` answers in this process; `start` lets others in. The store stays its maker's to close."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        """Raises SettingsError (there is no certificate), TokensDamaged, OSError."""
        self._settings = settings
        rng = random.Random()
        tokens = read_tokens(settings.pki / "tokens.csv")
        secured = security(store, settings, clock, tokens)
        plugins = admission.standard(store, settings, rng, secured.authorizer)
        own = identity(settings.pki, "apiserver")
        if not own.exists:
            raise SettingsError(f"there is no {own.certificate} with its key: run `podlab up`")
        agents = Agents(own)
        kinds = ServedKinds(BUILTIN, store)
        self.resources = Resources(store, kinds, plugins, secured, clock, rng, summaries_of(agents))
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._app = ApiApp(
            self.resources,
            Authenticator(secured.bearers),
            Health({"ping": lambda: True}, {"bootstrap": self._ready.is_set, "shutdown": self._still_on}),
            Documents(kinds, f"{settings.api_host}:{settings.api_port}", settings.home / "cache", secured.accounts),
            agents,
            clock,
        )
        self._http = Server((settings.api_host, settings.api_port), self._app, server_context(own, ssl.CERT_OPTIONAL))
        self._sweeper = EventSweeper(self.resources.backend, settings.event_ttl)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are listened on."""
        host, port = self._http.bind_addr
        return str(host), int(port)

    def start(self) -> None:
        """Listen, and be ready when this returns. Raises CannotListen."""
        self._http.prepare()
        # Who comes before wait in the backlog: without the roles they would be turned away.
        bootstrap(self.resources, self._settings)
        threads.start("api-accept", self._http.serve)
        self._ready.set()
        self._sweeper.start()

    def stop(self) -> None:
        """Take no more requests, end the watches, finish the rest."""
        self._stopping.set()
        self._sweeper.stop()
        self._app.long_running.stop()
        self._http.stop()

    def _still_on(self) -> bool:
        return not self._stopping.is_set()
