"""Which ConfigMaps, Secrets ... a pod refers to: what its node may read (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.api.claims import pod_claims
from orchestrator.api.meta import Object, spec

#: (plural of a core kind, name) in the pod's namespace.
Reference = tuple[str, str]

_LISTS = ("initContainers", "containers", "ephemeralContainers")


def references(pod: Object) -> frozenset[Reference]:
    wanted = spec(pod)
    found = [
        ("serviceaccounts", wanted.get("serviceAccountName")),
        *(("secrets", each.get("name")) for each in wanted.get("imagePullSecrets") or ()),
        *(each for volume in wanted.get("volumes") or () for each in _volume(volume)),
        *(("persistentvolumeclaims", claim) for claim in pod_claims(pod).values()),
        *(each for field in _LISTS for container in wanted.get(field) or () for each in _container(container)),
    ]
    return frozenset((plural, str(name)) for plural, name in found if name)


def _volume(volume: Object) -> Iterator[tuple[str, Any]]:
    yield from _source(volume)
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield from _source(source)


def _source(source: Object) -> Iterator[tuple[str, Any]]:
    """A volume says secretName, a projected source name."""
    secret = source.get("secret") or {}
    yield "secrets", secret.get("secretName") or secret.get("name")
    yield "configmaps", (source.get("configMap") or {}).get("name")


def _container(container: Object) -> Iterator[tuple[str, Any]]:
    for source in container.get("envFrom") or ():
        yield "configmaps", (source.get("configMapRef") or {}).get("name")
        yield "secrets", (source.get("secretRef") or {}).get("name")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield "configmaps", (source.get("configMapKeyRef") or {}).get("name")
        yield "secrets", (source.get("secretKeyRef") or {}).get("name")
