"""The pause image: the program in `agent/runtime/pause`, alone in one layer (pure, but for reading the package)."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from importlib.resources import files

from agent.runtime.base import RuntimeFailure

#: Dockerfile instructions of the image.
CHANGES = ('ENTRYPOINT ["/pause"]',)


@dataclass(frozen=True, slots=True)
class PauseImage:
    """`tar` is the image's root file system; the tag of `reference` changes with the program."""

    reference: str
    tar: bytes


def pause_image(architecture: str) -> PauseImage:
    """For a Go architecture name. Raises RuntimeFailure for one that the package has no program for."""
    file = files("agent.runtime").joinpath("pause", f"pause-{architecture}")
    if not file.is_file():
        raise RuntimeFailure(f"there is no pause program for {architecture}: see agent/runtime/pause/build.sh")
    program = file.read_bytes()
    return PauseImage(f"podlab/pause:{hashlib.sha256(program).hexdigest()[:12]}", _tar(program))


def _tar(program: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("pause")
        entry.mode, entry.size = 0o755, len(program)
        tar.addfile(entry, io.BytesIO(program))
    return buffer.getvalue()
