"""Which credentials of a pod's imagePullSecrets are for an image (pure)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from agent.image_name import DOCKER_HUB, registry_and_path
from agent.runtime.base import RegistryAuth
from orchestrator.api.meta import Object

#: Names that Docker's configuration files give Docker Hub.
_HUB_NAMES = frozenset({"index.docker.io", "registry-1.docker.io", "docker.io"})


def auths(reference: str, secrets: Iterable[Object]) -> tuple[RegistryAuth, ...]:
    """The credentials to try for the image, those for the longest path first. Secrets that cannot be read are none."""
    registry, path = registry_and_path(reference)
    found: list[tuple[int, RegistryAuth]] = []
    for secret in secrets:
        for key, entry in _entries(secret):
            host, prefix = _key(key)
            if fnmatchcase(registry, host) and (not prefix or f"{path}/".startswith(f"{prefix}/")):
                auth = _auth(entry)
                if auth is not None:
                    found.append((len(prefix), auth))
    found.sort(key=lambda item: -item[0])
    return tuple(dict.fromkeys(auth for _, auth in found))


def _entries(secret: Object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(registry, credentials) of a secret of type dockerconfigjson or dockercfg."""
    data = secret.get("data") or {}
    text = data.get(".dockerconfigjson") or data.get(".dockercfg")
    try:
        config = json.loads(base64.b64decode(text or ""))
    except ValueError:
        return
    entries = config.get("auths", {}) if ".dockerconfigjson" in data else config
    yield from entries.items()


def _key(key: str) -> tuple[str, str]:
    """(host, path) that an entry is for; the API version at the end of old keys says nothing."""
    host, _, path = key.removeprefix("https://").removeprefix("http://").partition("/")
    path = path.strip("/")
    return DOCKER_HUB if host in _HUB_NAMES else host, "" if path in ("v1", "v2") else path


def _auth(entry: Mapping[str, Any]) -> RegistryAuth | None:
    if entry.get("username"):
        return RegistryAuth(entry["username"], entry.get("password") or "")
    try:
        user, colon, password = base64.b64decode(entry.get("auth") or "").decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return RegistryAuth(user, password) if colon else None
