"""A verb's way to the API: as the cluster's administrator, with what the server says that it serves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs.catalog import Catalog
from orchestrator.cli.verbs.targets import Target
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.util.identity import Identity, identity
from orchestrator.util.settings import Settings, SettingsError, load

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@dataclass
class Session:
    settings: Settings
    identity: Identity
    transport: HttpTransport

    @cached_property
    def client(self) -> Client:
        return Client(self.transport)

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog(self.transport.fetch(path, accept=_DISCOVERY) for path in ("/api", "/apis"))

    def forget_catalog(self) -> None:
        """What is served has changed: a custom resource's definition was applied."""
        self.__dict__.pop("catalog", None)

    def objects(self, target: Target, **options: str) -> list[Object]:
        """The object that `target` names, or all that it stands for. Raises ApiError."""
        if not target.name:
            return self.client.list(target.kind, target.namespace, **options).items
        return [self.client.get(target.kind, target.name, target.namespace)]

    def list_of(self, word: str, namespace: str = "", **options: str) -> list[Object]:
        """The objects of the kind that `word` names (`pods`, `replicasets.apps`)."""
        return self.client.list(self.kind(word), namespace, **options).items

    def kind(self, word: str) -> Kind:
        return self.catalog.resolve(word)[0]


def connect(home: Path) -> Session:
    """To the cluster in `home`. Raises Failure when there is none."""
    try:
        settings = load(home)
    except SettingsError as error:
        raise Failure(str(error)) from None
    admin = identity(settings.pki, "admin")
    try:
        return Session(settings, admin, HttpTransport(settings.server, admin))
    except OSError as error:
        raise Failure(f"the certificates in {settings.pki} cannot be used ({error}): run `podlab up`") from None
