"""The URL paths of resources, parsed."""

from __future__ import annotations

from dataclasses import dataclass

#: After `/namespaces/NAME/`, these belong to the namespace itself; anything else is a kind within it.
_NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})


#: What follows this subresource is a path of its own.
PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class ResourcePath:
    """`/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME/SUBRESOURCE`; what a path leaves out is ""."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def parse(path: str) -> ResourcePath | None:
    """None when `path` is no path of a resource."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) >= 3:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) >= 4:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) >= 3 and rest[2] not in _NAMESPACE_SUBRESOURCES:
        namespace, rest = rest[1], rest[2:]
    if rest[2:3] == [PROXY]:
        rest = rest[:3]
    if len(rest) > 3 or not all(rest):
        return None
    plural, name, subresource = (*rest, "", "")[:3]
    return ResourcePath(group, version, plural, namespace, name, subresource)


def split_proxied(uri: str, path: ResourcePath) -> tuple[str, str]:
    """The URI's path as it was sent, taken apart: up to `proxy`, and what follows ("" or `/...`), escapes and all."""
    depth = (3 if path.group else 2) + (2 if path.namespace else 0) + len(("plural", "name", "subresource"))
    parts = uri.partition("?")[0].lstrip("/").split("/", depth)
    return "/" + "/".join(parts[:depth]), "".join(f"/{rest}" for rest in parts[depth:])
