"""Image names and the bundled registry (pure)."""

from __future__ import annotations


def target(image: str, registry: str) -> str:
    """What `image` is called in the registry at `registry` (host:port).

    `web:v1` -> `localhost:5001/web:v1`; a name that has a registry keeps only its path:
    `docker.io/library/nginx` -> `localhost:5001/library/nginx:latest`. A digest cannot be pushed to: it is dropped.
    """
    path = image.partition("@")[0]
    first, slash, rest = path.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        path = rest
    last = path.rpartition("/")[2]
    return f"{registry}/{path}" if ":" in last else f"{registry}/{path}:latest"
