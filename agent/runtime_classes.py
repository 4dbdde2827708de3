"""RuntimeClasses: by which of the engine's runtimes a pod's containers are run."""

from __future__ import annotations

from agent.lookup import Lookup
from agent.runtime.base import ConfigError
from orchestrator.api.groups.node import RUNTIME_CLASS
from orchestrator.api.meta import Object, spec


def handler(pod: Object, lookup: Lookup) -> str:
    """The engine's name of it, "" for the default one. Raises ConfigError, and what `lookup` raises."""
    name = spec(pod).get("runtimeClassName")
    if not name:
        return ""
    found = lookup(RUNTIME_CLASS, "", name)
    if found is None:
        raise ConfigError(f'failed to get sandbox runtime: runtimeclass.node.k8s.io "{name}" not found')
    return str(found["handler"])
