"""Which form of an answer a client's `Accept` header asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from orchestrator.api.errors import NotAcceptable

JSON = "application/json"
YAML = "application/yaml"
_JSON_RANGES = frozenset({JSON, "application/*", "*/*"})
#: Asked for by Go clients, and answered with JSON, which they list next or can read all the same.
_PROTOBUF = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A media type that can be served. `transform` is `Table`, `PartialObjectMetadata`, ... or ""."""

    media_type: str = JSON
    transform: str = ""
    #: Version and group of the transform.
    version: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One alternative of an Accept header."""

    media_type: str
    parameters: dict[str, str] = field(default_factory=dict)


@lru_cache(256)
def clauses(accept: str) -> tuple[Clause, ...]:
    """The alternatives of an Accept header, most wanted first."""
    found: list[tuple[float, Clause]] = []
    for text in accept.split(","):
        media_type, *rest = (part.strip() for part in text.split(";"))
        if not media_type:
            continue
        pairs = (part.partition("=") for part in rest)
        parameters = {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
        found.append((_quality(parameters.pop("q", "1")), Clause(media_type.lower(), parameters)))
    return tuple(clause for quality, clause in sorted(found, key=lambda item: -item[0]) if quality > 0)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@lru_cache(256)
def negotiate(accept: str, transforms: frozenset[tuple[str, str, str]] = frozenset()) -> Wanted:
    """The first alternative that can be served; `transforms` are (as, version, group). Raises NotAcceptable."""
    if not accept.strip():
        return Wanted()
    alternatives = clauses(accept)
    for clause in alternatives:
        wanted = _serve(clause, transforms)
        if wanted is not None:
            return wanted
    if any(clause.media_type == _PROTOBUF for clause in alternatives):
        return Wanted()
    raise NotAcceptable(f"only the following media types are accepted: {JSON}, {YAML}")


def _serve(clause: Clause, transforms: frozenset[tuple[str, str, str]]) -> Wanted | None:
    if clause.media_type in _JSON_RANGES:
        media_type = JSON
    elif clause.media_type == YAML:
        media_type = YAML
    else:
        return None
    transform, version, group = (clause.parameters.get(name, "") for name in ("as", "v", "g"))
    if not transform:
        return Wanted(media_type)
    if (transform, version, group) in transforms:
        return Wanted(media_type, transform, version, group)
    return None
