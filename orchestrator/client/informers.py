"""The informers of one process: one a kind, shared by all who need it."""

from __future__ import annotations

import time

from orchestrator.api.kinds import Kind
from orchestrator.client.client import Client
from orchestrator.client.custom_informers import CustomInformers
from orchestrator.client.informer import Informer


class Informers:
    """Ask for informers first, then `start`; one asked for later is started at once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._informers: dict[Kind, Informer] = {}
        self._started = False
        #: Those of custom kinds, which come and go.
        self.custom = CustomInformers(self.of, self.drop)

    def of(self, kind: Kind) -> Informer:
        informer = self._informers.get(kind)
        if informer is None:
            informer = self._informers[kind] = Informer(self._client, kind)
            if self._started:
                informer.start()
        return informer

    def drop(self, kind: Kind) -> None:
        """Follow `kind` no more."""
        if (informer := self._informers.pop(kind, None)) is not None:
            informer.stop()

    def start(self) -> None:
        self._started = True
        for informer in tuple(self._informers.values()):
            informer.start()

    def stop(self) -> None:
        for informer in tuple(self._informers.values()):
            informer.stop()

    def wait_synced(self, timeout: float) -> bool:
        """Wait until every informer has its first list, `timeout` seconds in sum."""
        deadline = time.monotonic() + timeout
        return all(
            informer.wait_synced(max(0.0, deadline - time.monotonic())) for informer in tuple(self._informers.values())
        )
