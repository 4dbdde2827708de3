"""Image references: their grammar, and what a short one stands for (pure).

The grammar is that of `github.com/distribution/reference`.
"""

from __future__ import annotations

import re

_HOST = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])"
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:{_HOST}(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?"
    r"(?:@(?P<digest>[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)
_MAX_NAME = 255

DOCKER_HUB = "docker.io"


def with_tag(reference: str) -> str:
    """The reference with the tag `latest` when it has neither tag nor digest. Raises ValueError for no reference."""
    match = _REFERENCE.fullmatch(reference)
    if match is None or len(match["name"]) > _MAX_NAME:
        lower = _REFERENCE.fullmatch(reference.lower()) is not None and reference != reference.lower()
        raise ValueError("invalid reference format" + (": repository name must be lowercase" if lower else ""))
    return reference if match["tag"] or match["digest"] else f"{reference}:latest"


def registry_and_path(reference: str) -> tuple[str, str]:
    """`nginx` -> (`docker.io`, `library/nginx`); `localhost:5001/web:v1` -> (`localhost:5001`, `web`)."""
    name = reference.partition("@")[0]
    head, slash, rest = name.partition("/")
    if not slash or not ("." in head or ":" in head or head == "localhost"):
        head, rest = DOCKER_HUB, name if slash else f"library/{name}"
    path, colon, tag = rest.rpartition(":")
    return head, path if colon and "/" not in tag else rest


def canonical(reference: str) -> str:
    """One name for all that mean the same: `nginx` -> `docker.io/library/nginx:latest`. Raises ValueError."""
    match = _REFERENCE.fullmatch(with_tag(reference))
    assert match is not None
    registry, path = registry_and_path(match["name"])
    tag, digest = match["tag"], match["digest"]
    return f"{registry}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def repository(reference: str) -> str:
    """`nginx:1` -> `docker.io/library/nginx`. Raises ValueError."""
    with_tag(reference)
    return "/".join(registry_and_path(reference))
