"""Observations written down shortly: what the engine has of a pod."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from agent.observed import Observed
from agent.runtime.base import (
    LABEL_CONTAINER,
    LABEL_RESTARTS,
    LABEL_SANDBOX,
    LABEL_SPEC,
    SANDBOX,
    ContainerState,
)
from agent.runtime.translate import spec_hash
from orchestrator.api.meta import Object
from tests.fakes import pods

NOW = 1_700_000_000.0


def sandbox(state: str = "running", id: str = "s1", **fields: Any) -> ContainerState:
    base = ContainerState(id, "sandbox", {LABEL_CONTAINER: SANDBOX}, "pause", "sha256:pause", "created", created_at=NOW)
    address = {"ip": "10.88.0.2" if state == "running" else ""}
    return replace(base, state=state, **(address | fields))  # type: ignore[arg-type]


def instance(
    name: str = "app",
    state: str = "running",
    restarts: int = 0,
    *,
    of: Object | None = None,
    sandbox: str = "s1",
    id: str = "",
    **fields: Any,
) -> ContainerState:
    """An instance of container `name`; `of` is the spec it was made from. It started at NOW, ended at NOW + 5."""
    labels = {
        LABEL_CONTAINER: name,
        LABEL_RESTARTS: str(restarts),
        LABEL_SANDBOX: sandbox,
        LABEL_SPEC: spec_hash(of or pods.container(name)),
    }
    times = {
        "created": {},
        "running": {"started_at": NOW},
        "exited": {"started_at": NOW, "finished_at": NOW + 5},
    }[state]
    base = ContainerState(
        id or f"{name}-{restarts}", name, labels, "nginx", "sha256:nginx", "created", created_at=NOW + restarts
    )
    return replace(base, state=state, **(times | fields))  # type: ignore[arg-type]


def seen(*containers: ContainerState, **fields: Any) -> Observed:
    """Images and volumes are ready unless `fields` say otherwise."""
    ready = {"images": frozenset({"app", "a", "b", "first", "second", "side"}), "volumes": "ready"}
    return Observed(containers=containers, **(ready | fields))
