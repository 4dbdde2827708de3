"""Stop, or remove, all containers of a cluster or of one node: what a machine's power switch does.

Their pods are not over: they go on when the node is back. So each container gets time to end by itself, its pod's grace
period but no more than the node's shutdown takes, and those of critical pods end last. preStop hooks are the agent's,
which is stopped already. With the containers, their volumes are removed too.

`python -m agent.halt --home DIR [--node NAME] [--remove]`
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent.runtime.base import (
    LABEL_CLUSTER,
    LABEL_CONTAINER,
    LABEL_CRITICAL,
    LABEL_GRACE,
    LABEL_NODE,
    SANDBOX,
    ContainerState,
    Runtime,
    RuntimeFailure,
)
from agent.runtime.docker import DockerRuntime
from agent.volume_folders import VolumeError, volume_folders
from orchestrator.util.settings import SettingsError, load

#: Seconds the containers have to end by themselves, where no shutdown_grace_period is set.
GRACE = 5.0


def halt(runtime: Runtime, cluster: str, node: str, *, longest: float = GRACE, remove: bool) -> None:
    """`longest` is what containers get at most, in seconds. Raises RuntimeFailure."""
    labels = {LABEL_CLUSTER: cluster} | ({LABEL_NODE: node} if node else {})
    containers = [c for c in runtime.list(labels) if LABEL_CONTAINER in c.labels]
    with ThreadPoolExecutor(8) as pool:
        for group in _in_order(containers):
            running = [c for c in group if c.state == "running"]
            list(pool.map(lambda c: runtime.stop(c.id, grace(c, longest)), running))
        if remove:
            for group in _in_order(containers):
                list(pool.map(runtime.remove, [c.id for c in group]))


def grace(container: ContainerState, longest: float) -> float:
    return min(float(container.labels.get(LABEL_GRACE) or longest), longest)


def _in_order(containers: Sequence[ContainerState]) -> list[list[ContainerState]]:
    """App containers end before the sandbox whose network they use, ordinary pods before critical ones."""
    groups: dict[tuple[bool, bool], list[ContainerState]] = {}
    for container in containers:
        place = (LABEL_CRITICAL in container.labels, container.labels[LABEL_CONTAINER] == SANDBOX)
        groups.setdefault(place, []).append(container)
    return [group for _, group in sorted(groups.items())]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m agent.halt", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--node", default="")
    parser.add_argument("--remove", action="store_true")
    arguments = parser.parse_args()
    try:
        settings = load(arguments.home)
        runtime = DockerRuntime(settings.engine)
        longest = settings.shutdown_grace_period or GRACE
        halt(runtime, settings.engine_name, arguments.node, longest=longest, remove=arguments.remove)
        if arguments.remove:
            for folder in (settings.home / "nodes").glob(arguments.node or "*"):
                volume_folders(folder, runtime).clear()
    except (SettingsError, RuntimeFailure, VolumeError) as error:
        sys.exit(f"podlab: {error}")


if __name__ == "__main__":
    main()
