"""Where objects live in the store: `/<group or "core">/<plural>/[<namespace>/]<name>`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind


def prefix(kind: Kind, namespace: str = "") -> str:
    """What the keys of a kind's objects start with: all of them, or those of one namespace."""
    base = f"/{kind.storage_group or 'core'}/{kind.plural}/"
    return f"{base}{namespace}/" if namespace and kind.namespaced else base


def key(kind: Kind, namespace: str, name: str) -> str:
    return prefix(kind, namespace) + name
