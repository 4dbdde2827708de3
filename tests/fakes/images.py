"""Small real images for tests with the engine, made from the distribution's packages so that no registry is needed."""

from __future__ import annotations

from agent.runtime.base import Runtime
from registry import offline


def busybox(runtime: Runtime) -> str:
    """A reference to an image with a shell and the usual commands."""
    return offline.build(runtime, "busybox")


def nginx(runtime: Runtime) -> str:
    """A reference to an nginx image that serves a page on port 80."""
    return offline.build(runtime, "nginx")
