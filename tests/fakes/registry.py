"""A registry with small images, that can be made to misbehave: what the engine then says is what users see."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from orchestrator.api.meta import Object
from tests.fakes.http_server import Exchange, HttpServer, serving

_SCHEMA = "application/vnd.docker.distribution.manifest.v2+json"
_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


class FakeRegistry:
    """Serves one image, new in each registry, under every repository and tag; `image()` names it.

    `status` other than 200 is the answer to whatever is asked of a repository; `login` (user, password) guards it;
    while `hung` (`manifests` or `blobs`) is set, answers of that kind do not come.
    """

    def __init__(self, architectures: Sequence[str]) -> None:
        self.status = 200
        self.hung = ""
        self.login: tuple[str, str] | None = None
        #: Repositories' paths asked for, and with which Authorization.
        self.asked: list[tuple[str, str]] = []
        self.arrived, self.going_on = threading.Event(), threading.Event()
        self._blobs: dict[str, bytes] = {}
        self._manifests: dict[str, tuple[str, bytes]] = {}
        own = [(architecture, self._add_image(architecture)) for architecture in architectures]
        #: What tags stand for.
        self.digest = own[0][1] if len(own) == 1 else self._add_index(own)
        self.server: HttpServer | None = None

    def _add_image(self, architecture: str) -> str:
        """Returns the manifest's digest."""
        layer = gzip.compress(_tar(uuid.uuid4().hex.encode()), mtime=0)
        layers = {"type": "layers", "diff_ids": [_digest(gzip.decompress(layer))]}
        config = _json({"architecture": architecture, "os": "linux", "config": {}, "rootfs": layers})
        self._blobs |= {_digest(blob): blob for blob in (layer, config)}
        return self._add_manifest(_SCHEMA, {"config": _entry(_CONFIG, config), "layers": [_entry(_LAYER, layer)]})

    def _add_index(self, images: Sequence[tuple[str, str]]) -> str:
        entries = [
            {
                "mediaType": _SCHEMA,
                "digest": digest,
                "size": len(self._manifests[digest][1]),
                "platform": {"architecture": architecture, "os": "linux"},
            }
            for architecture, digest in images
        ]
        return self._add_manifest(_LIST, {"manifests": entries})

    def _add_manifest(self, media_type: str, fields: Object) -> str:
        body = _json({"schemaVersion": 2, "mediaType": media_type, **fields})
        self._manifests[_digest(body)] = (media_type, body)
        return _digest(body)

    @property
    def address(self) -> str:
        assert self.server is not None
        return self.server.url.removeprefix("http://")

    def image(self, tag: str = ":1") -> str:
        return f"{self.address}/test/web{tag}"

    def answer(self, exchange: Exchange) -> None:
        kind = exchange.path.split("/")[-2]
        if exchange.path == "/v2/":
            # Here a client learns how to log in.
            guarded = self.login is not None or self.status == 401
            self._refuse(exchange, 401) if guarded else exchange.answer(200, b"{}")
            return
        self.asked.append((exchange.path, exchange.headers.get("Authorization", "")))
        if kind == self.hung:
            self.arrived.set()
            self.going_on.wait(30)
        if self.login and self.asked[-1][1] != _basic(*self.login):
            self._refuse(exchange, 401)
        elif self.status != 200:
            self._refuse(exchange, self.status)
        elif kind == "manifests":
            wanted = exchange.path.rpartition("/")[2]
            media_type, body = self._manifests[wanted if ":" in wanted else self.digest]
            self._send(exchange, body, media_type)
        else:
            self._send(exchange, self._blobs[exchange.path.rpartition("/")[2]], "application/octet-stream")

    def _send(self, exchange: Exchange, body: bytes, content_type: str) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Type", content_type)
        exchange.send_header("Content-Length", str(len(body)))
        exchange.send_header("Docker-Content-Digest", _digest(body))
        exchange.end_headers()
        if exchange.command != "HEAD":
            exchange.wfile.write(body)

    def _refuse(self, exchange: Exchange, status: int) -> None:
        codes = {401: "UNAUTHORIZED", 403: "DENIED", 404: "MANIFEST_UNKNOWN", 429: "TOOMANYREQUESTS"}
        body = json.dumps({"errors": [{"code": codes.get(status, "UNKNOWN"), "message": "as told by the test"}]})
        exchange.send_response(status)
        if status == 401:
            exchange.send_header("WWW-Authenticate", 'Basic realm="test"')
        exchange.send_header("Content-Type", "application/json")
        exchange.send_header("Content-Length", str(len(body)))
        exchange.end_headers()
        if exchange.command != "HEAD":
            exchange.wfile.write(body.encode())


@contextmanager
def fake_registry(*architectures: str) -> Iterator[FakeRegistry]:
    """`architectures` in Go's words; with several, tags stand for an index of an image for each."""
    registry = FakeRegistry(architectures or ["amd64"])
    with serving(registry.answer) as registry.server:
        try:
            yield registry
        finally:
            registry.going_on.set()


def _json(value: Object) -> bytes:
    return json.dumps(value).encode()


def _entry(media_type: str, blob: bytes) -> Object:
    return {"mediaType": media_type, "size": len(blob), "digest": _digest(blob)}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _tar(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("content")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
