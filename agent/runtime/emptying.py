"""Deleting what containers left in a folder, for an agent that is not root: the engine is."""

from __future__ import annotations

import hashlib
from pathlib import Path

from agent.runtime.base import ContainerSpec, Mount, NameInUse, Runtime, RuntimeFailure

_TARGET = "/folder"


def empty_folder(runtime: Runtime, folder: Path) -> None:
    """Delete everything in `folder` from a container that mounts it. Raises RuntimeFailure when something stays."""
    name = f"podlab_empty_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    spec = ContainerSpec(
        name=name,
        image=runtime.ensure_pause_image(),
        labels={},
        args=["empty", _TARGET],
        mounts=[Mount(_TARGET, str(folder))],
        network="none",
    )
    id = _create(runtime, spec)
    try:
        runtime.start(id)
        # The output, of which there is none, ends with the container.
        for _ in runtime.logs(id, follow=True):
            pass
        code = runtime.inspect(id).exit_code
    finally:
        runtime.remove(id)
    if code:
        raise RuntimeFailure(f"{folder} could not be emptied")


def _create(runtime: Runtime, spec: ContainerSpec) -> str:
    try:
        return runtime.create(spec)
    except NameInUse as taken:
        # Left by an agent that was killed meanwhile.
        runtime.remove(taken.id)
        return runtime.create(spec)
