"""The contents of ConfigMaps and Secrets, for environment variables and volumes."""

from __future__ import annotations

import base64

from agent.lookup import Lookup
from orchestrator.api.groups.core import CONFIG_MAP, SECRET
from orchestrator.api.meta import Object


def config_map_text(lookup: Lookup, namespace: str, name: str) -> dict[str, str] | None:
    """Its text values, or None when there is no such ConfigMap."""
    found = lookup(CONFIG_MAP, namespace, name)
    return None if found is None else dict(found.get("data") or {})


def config_map_bytes(lookup: Lookup, namespace: str, name: str) -> dict[str, bytes] | None:
    """All its values, the binary ones too, or None when there is no such ConfigMap."""
    found = lookup(CONFIG_MAP, namespace, name)
    if found is None:
        return None
    return {key: value.encode() for key, value in (found.get("data") or {}).items()} | _decoded(found.get("binaryData"))


def secret_text(lookup: Lookup, namespace: str, name: str) -> dict[str, str] | None:
    """Its values as text, or None when there is no such Secret."""
    data = secret_bytes(lookup, namespace, name)
    return None if data is None else {key: value.decode(errors="replace") for key, value in data.items()}


def secret_bytes(lookup: Lookup, namespace: str, name: str) -> dict[str, bytes] | None:
    """Its values, or None when there is no such Secret."""
    found = lookup(SECRET, namespace, name)
    return None if found is None else _decoded(found.get("data"))


def _decoded(values: Object | None) -> dict[str, bytes]:
    """The API server let only valid base64 in."""
    return {key: base64.b64decode(value) for key, value in (values or {}).items()}
