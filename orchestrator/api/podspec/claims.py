"""A pod's claims of devices (dynamic resource allocation), and its containers' use of them."""

from __future__ import annotations

from orchestrator.api import names
from orchestrator.api.checks import Errors, indexed, named, unique
from orchestrator.api.errors import duplicate, invalid, no_such, required
from orchestrator.api.meta import Object

_SOURCES = ("resourceClaimName", "resourceClaimTemplateName")


def claims(spec: Object, field: str) -> Errors:
    """The rules of `resourceClaims`."""
    for path, claim in indexed(field, spec.get("resourceClaims")):
        yield from named(f"{path}.name", claim.get("name"), names.dns_label)
        given = [source for source in _SOURCES if claim.get(source)]
        if len(given) > 1:
            yield invalid(path, claim, f"at most one of `{'` or `'.join(_SOURCES)}` may be specified")
        elif not given:
            yield invalid(path, claim, f"must specify one of: `{'`, `'.join(_SOURCES)}`")
    yield from unique((f"{path}.name", claim.get("name")) for path, claim in indexed(field, spec.get("resourceClaims")))


def used(resources: Object, spec: Object, field: str) -> Errors:
    """The rules of a container's `resources.claims`."""
    known = {claim.get("name") for claim in spec.get("resourceClaims") or []}
    seen: set[tuple[str, str]] = set()
    for path, use in indexed(field, resources.get("claims")):
        name, request = use.get("name") or "", use.get("request") or ""
        if not name:
            yield required(f"{path}.name")
        elif name not in known:
            yield no_such(path, name)
        if {(name, request), (name, "")} & seen:
            yield duplicate(path, use)
        seen.add((name, request))
