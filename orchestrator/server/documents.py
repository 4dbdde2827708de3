"""What the API says of itself: version, discovery, OpenAPI."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable
from pathlib import Path

import orjson
from flask import request

from orchestrator import KUBERNETES_VERSION
from orchestrator.api.kinds import Kinds
from orchestrator.api.meta import Object
from orchestrator.server import discovery, openapi, openapi_v2, openapi_v2_protobuf
from orchestrator.server.answers import Answer, json_answer, object_answer
from orchestrator.server.negotiation import JSON, clauses, negotiate
from orchestrator.server.service_account_tokens import ServiceAccountTokens
from orchestrator.util.files import write_atomically

log = logging.getLogger(__name__)

Page = Callable[[], Answer]

_DISCOVERY = "apidiscovery.k8s.io"
_AGGREGATED = "APIGroupDiscoveryList"
_FORMS = frozenset({(_AGGREGATED, version, _DISCOVERY) for version in ("v2", "v2beta1")})
_FIXED = (
    "/.well-known/openid-configuration",
    "/api",
    "/apis",
    "/healthz",
    "/livez",
    "/metrics",
    "/openapi/v2",
    "/openapi/v3",
    "/openid/v1/jwks",
    "/readyz",
    "/version",
)
#: The address of a document has its hash, so it may be kept for long.
_FOR_LONG = "public, max-age=31536000"


class Documents:
    def __init__(self, kinds: Kinds, address: str, cache: Path, accounts: ServiceAccountTokens) -> None:
        """`address` is the server's HOST:PORT; `cache` a folder for what takes long to make."""
        self._accounts = accounts
        self._kinds = kinds
        self._address = address
        self._cache = cache

    def page(self, path: str) -> Page | None:
        """What answers a GET of `path`, None when nothing is there."""
        parts = path.strip("/").split("/")
        match parts:
            case [""]:
                return lambda: json_answer(orjson.dumps({"paths": self._paths()}))
            case ["version"]:
                return lambda: json_answer(orjson.dumps(version_info()))
            case [".well-known", "openid-configuration"]:
                return lambda: json_answer(orjson.dumps(self._accounts.configuration(f"https://{self._address}")))
            case ["openid", "v1", "jwks"]:
                return self._key_set
            case ["api"] | ["apis"]:
                return lambda: self._groups(core=parts == ["api"])
            case ["openapi", "v2"]:
                return self._openapi_v2
            case ["openapi", "v3"]:
                return lambda: json_answer(orjson.dumps(openapi.index(self._kinds)))
            case ["openapi", "v3", *where]:
                return self._openapi("/".join(where))
            case ["apis", group]:
                return _page(discovery.group(self._kinds, group))
            case ["api", version]:
                return _page(discovery.resource_list(self._kinds, "", version))
            case ["apis", group, version]:
                return _page(discovery.resource_list(self._kinds, group, version))
        return None

    def _groups(self, *, core: bool) -> Answer:
        """Both forms of /api and /apis; kubectl knows the aggregated one by its content type."""
        wanted = negotiate(request.environ.get("HTTP_ACCEPT", ""), _FORMS)
        if not wanted.transform:
            groups = discovery.api_versions(self._address) if core else discovery.group_list(self._kinds)
            return object_answer(groups, wanted)
        answer = object_answer(discovery.aggregated(self._kinds, core=core, version=wanted.version), wanted)
        return answer.having("Content-Type", f"{JSON};g={_DISCOVERY};v={wanted.version};as={_AGGREGATED}")

    def _key_set(self) -> Answer:
        return json_answer(orjson.dumps(self._accounts.key_set())).having("Content-Type", "application/jwk-set+json")

    def _paths(self) -> list[str]:
        versions = self._versions()
        return sorted([*_FIXED, *(f"/{each}" for each in versions), *(f"/openapi/v3/{each}" for each in versions)])

    def _versions(self) -> list[str]:
        return sorted({f"{'apis' if kind.group else 'api'}/{kind.api_version}" for kind in self._kinds})

    def _openapi(self, where: str) -> Page | None:
        if where not in self._versions():
            return None
        return lambda: self._openapi_answer(where)

    def _openapi_answer(self, where: str) -> Answer:
        etag = openapi.etag(self._kinds, where)

        def make() -> bytes:
            return openapi.document(self._kinds, where) or b"{}"

        answer = self._document(f"openapi-{where.replace('/', '-')}", "json", etag, make)
        return answer.having("Cache-Control", _FOR_LONG)

    def _openapi_v2(self) -> Answer:
        """All in one: in protobuf to those who ask for it, which is what kubectl does, else in JSON."""
        wanted = {clause.media_type for clause in clauses(request.environ.get("HTTP_ACCEPT", ""))}
        protobuf = not wanted.isdisjoint(openapi_v2_protobuf.MEDIA_TYPES)
        form = "pb" if protobuf else "json"

        def make() -> bytes:
            document = openapi_v2.document(self._kinds)
            return openapi_v2_protobuf.encode(document) if protobuf else orjson.dumps(document)

        answer = self._document("openapi-v2", form, openapi.etag_of_all(self._kinds, form), make).having(
            "Vary", "Accept"
        )
        return answer.having("Content-Type", openapi_v2_protobuf.MEDIA_TYPES[-1]) if protobuf else answer

    def _document(self, name: str, form: str, etag: str, make: Callable[[], bytes]) -> Answer:
        """The document that `etag` stands for, unless the client has it."""
        known = request.headers.get("If-None-Match", "").strip('"') == etag
        answer = Answer(b"", 304) if known else json_answer(self._kept(name, form, etag, make))
        return answer.having("ETag", f'"{etag}"')

    def _kept(self, name: str, form: str, etag: str, make: Callable[[], bytes]) -> bytes:
        """From the cache, or made and put there."""
        file = self._cache / f"{name}-{etag[:16]}.{form}"
        if file.exists():
            return file.read_bytes()
        data = make()
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            for old in self._cache.glob(f"{name}-*.{form}"):
                old.unlink(missing_ok=True)
            write_atomically(file, data)
        except OSError as error:
            log.warning("%s cannot be kept (%s): it will be made again when it is asked for", file, error)
        return data


def _page(obj: Object | None) -> Page | None:
    if obj is None:
        return None
    return lambda: object_answer(obj, negotiate(request.environ.get("HTTP_ACCEPT", "")))


def version_info() -> dict[str, str]:
    """/version. Clients read `gitVersion` to know what they may ask for."""
    major, minor, _ = KUBERNETES_VERSION.split(".")
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{KUBERNETES_VERSION}+podlab",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": f"linux/{'arm64' if platform.machine() == 'aarch64' else 'amd64'}",
    }
