"""Seccomp profiles of type Localhost: files of this machine, in the folder that the node keeps them in."""

from __future__ import annotations

import json
from pathlib import Path

from agent.runtime.base import ConfigError
from agent.runtime.security import context
from orchestrator.api.meta import Object


def profile(pod: Object, container: Object, folder: Path) -> str:
    """The text of the container's profile, without blanks, or "" when it has none of type Localhost.

    Raises ConfigError when the file is not there, or is no profile.
    """
    wanted = context(pod, container).get("seccompProfile") or {}
    if wanted.get("type") != "Localhost":
        return ""
    path = folder / wanted["localhostProfile"]
    try:
        return json.dumps(json.loads(path.read_text()), separators=(",", ":"))
    except (OSError, ValueError) as error:
        raise ConfigError(f'cannot load seccomp profile "{path}": {error}') from error
