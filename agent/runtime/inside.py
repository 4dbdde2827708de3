"""When the agent itself runs in a container: its paths are not the host's, which are what the engine mounts (pure)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from agent.runtime.base import ContainerSpec, Mount

#: The engine binds files of its own into each container, from a folder that the container's id names.
_OWN_FILE = re.compile(r"/containers/([0-9a-f]{64})/(?:hostname|hosts|resolv\.conf)$")


def own_container(mountinfo: str) -> str:
    """The id of the container we run in, by /proc/self/mountinfo; "" when we run in none."""
    roots = (line.split()[3] for line in mountinfo.splitlines())
    return next((found.group(1) for root in roots if (found := _OWN_FILE.search(root))), "")


@dataclass(frozen=True, slots=True)
class HostPaths:
    """Where on the host the paths are that we see. `mounts`: what our container mounts, destination -> source."""

    mounts: Mapping[str, str]

    def of(self, path: str) -> str:
        """The host's path for ours; one that lies in none of our mounts is taken for the host's already."""
        for destination in sorted(self.mounts, key=len, reverse=True):
            if PurePosixPath(path).is_relative_to(destination):
                below = PurePosixPath(path).relative_to(destination)
                return str(PurePosixPath(self.mounts[destination]) / below)
        return path

    def translate(self, spec: ContainerSpec) -> ContainerSpec:
        return replace(spec, mounts=[self._mount(mount) for mount in spec.mounts]) if self.mounts else spec

    def _mount(self, mount: Mount) -> Mount:
        return replace(mount, source=self.of(mount.source)) if mount.source.startswith("/") else mount


def host_paths(inspected: Mapping[str, Any]) -> HostPaths:
    """From `GET /containers/ID/json` of our own container."""
    mounts = inspected.get("Mounts") or ()
    return HostPaths({mount["Destination"]: mount["Source"] for mount in mounts if mount.get("Source")})
