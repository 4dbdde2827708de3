"""A bare HTTPS client, for what the project's own client never sends."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from typing import Any

import orjson

from orchestrator.util import pki
from orchestrator.util.settings import Settings

Headers = dict[str, str]


@dataclass(frozen=True)
class Answer:
    code: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Https:
    """`name` is the identity whose certificate is shown; "" shows none."""

    def __init__(self, settings: Settings, name: str = "admin") -> None:
        self._address = (settings.api_host, settings.api_port)
        self._context = ssl.create_default_context(cafile=str(settings.pki / "ca.crt"))
        if name:
            identity = pki.identity(settings.pki, name)
            self._context.load_cert_chain(identity.certificate, identity.key)

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(*self._address, timeout=10, context=self._context)

    def ask(self, method: str, path: str, body: Any = None, headers: Headers | None = None) -> Answer:
        """One request on a connection of its own. `body` is sent as JSON unless it is bytes."""
        connection = self.connect()
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        given = {"Content-Type": "application/json"} if data is not None and headers is None else {}
        connection.request(method, path, data, given | (headers or {}))
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        connection.close()
        return answer

    def get(self, path: str, accept: str = "") -> Answer:
        return self.ask("GET", path, headers={"Accept": accept} if accept else {})
