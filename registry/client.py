"""The registry's HTTP API v2 (distribution spec), as far as listing needs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import requests

_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
_TIMEOUT = 10.0


class RegistryError(Exception):
    """The registry cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class TaggedImage:
    """`size` is the sum of the layers in bytes, as they are stored (compressed); 0 for an index."""

    repository: str
    tag: str
    digest: str
    size: int


class RegistryClient:
    """`url` is the registry's address, `http://localhost:5001`. Every method raises RegistryError."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()

    def ping(self) -> bool:
        """True when the registry answers."""
        try:
            return self._session.get(f"{self._url}/v2/", timeout=2).ok
        except requests.RequestException:
            return False

    def repositories(self) -> Iterator[str]:
        """Names of the repositories, in order, page by page."""
        path = "/v2/_catalog?n=100"
        while path:
            answer = self._get(path)
            yield from answer.json().get("repositories") or []
            path = answer.links.get("next", {}).get("url", "")

    def tags(self, repository: str) -> list[str]:
        """Tags of a repository, sorted; a repository whose tags were all deleted has none."""
        return sorted(self._get(f"/v2/{repository}/tags/list").json().get("tags") or [])

    def image(self, repository: str, tag: str) -> TaggedImage:
        answer = self._get(f"/v2/{repository}/manifests/{tag}", accept=", ".join(_MANIFESTS))
        layers = answer.json().get("layers") or []
        digest = answer.headers.get("Docker-Content-Digest", "")
        return TaggedImage(repository, tag, digest, sum(layer.get("size", 0) for layer in layers))

    def images(self) -> Iterator[TaggedImage]:
        for repository in self.repositories():
            for tag in self.tags(repository):
                yield self.image(repository, tag)

    def _get(self, path: str, accept: str = "application/json") -> requests.Response:
        try:
            answer = self._session.get(f"{self._url}{path}", headers={"Accept": accept}, timeout=_TIMEOUT)
        except requests.RequestException:
            raise RegistryError(
                f"the registry at {self._url} does not answer: is the cluster up (`podlab up`)?"
            ) from None
        if not answer.ok:
            raise RegistryError(f"the registry at {self._url} answers {answer.status_code} for {path}")
        return answer
