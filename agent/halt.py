"""Stop, or remove, all containers of a cluster or of one node: what a machine's power switch does.

With the containers, their volumes are removed too.

`python -m agent.halt --home DIR [--node NAME] [--remove]`
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agent.runtime.base import LABEL_CLUSTER, LABEL_CONTAINER, LABEL_NODE, SANDBOX, Runtime, RuntimeFailure
from agent.runtime.docker import DockerRuntime
from agent.volume_folders import VolumeError, volume_folders
from orchestrator.util.settings import SettingsError, load

#: Seconds the containers have to end by themselves.
GRACE = 5.0


def halt(runtime: Runtime, cluster: str, node: str, *, remove: bool) -> None:
    """App containers end before the sandbox whose network they use. Raises RuntimeFailure."""
    labels = {LABEL_CLUSTER: cluster} | ({LABEL_NODE: node} if node else {})
    containers = [c for c in runtime.list(labels) if LABEL_CONTAINER in c.labels]
    sandboxes = [c for c in containers if c.labels[LABEL_CONTAINER] == SANDBOX]
    others = [c for c in containers if c.labels[LABEL_CONTAINER] != SANDBOX]
    with ThreadPoolExecutor(8) as pool:
        for group in (others, sandboxes):
            running = [c.id for c in group if c.state == "running"]
            list(pool.map(lambda id: runtime.stop(id, GRACE), running))
        if remove:
            for group in (others, sandboxes):
                list(pool.map(runtime.remove, [c.id for c in group]))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m agent.halt", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--node", default="")
    parser.add_argument("--remove", action="store_true")
    arguments = parser.parse_args()
    try:
        settings = load(arguments.home)
        runtime = DockerRuntime(settings.engine)
        halt(runtime, settings.engine_name, arguments.node, remove=arguments.remove)
        if arguments.remove:
            for folder in (settings.home / "nodes").glob(arguments.node or "*"):
                volume_folders(folder, runtime).clear()
    except (SettingsError, RuntimeFailure, VolumeError) as error:
        sys.exit(f"podlab: {error}")


if __name__ == "__main__":
    main()
