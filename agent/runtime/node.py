"""What the translation of a pod has to know of the node (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agent.runtime.base import LogLimits


@dataclass(frozen=True, slots=True)
class Resolver:
    """A resolv.conf: `options` are as written there, `ndots:5`."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this machine, and the agent's process on it, can do for a pod that asks for it."""

    apparmor: bool = True
    selinux: bool = True
    #: Change the group of files, mount file systems.
    root: bool = True


@dataclass(frozen=True, slots=True)
class NodeContext:
    """`cluster` is its name on the engine; `dns_ip` the address of its DNS, "" when service addresses do not work on
    this machine."""

    cluster: str
    node: str
    dns_ip: str
    cluster_domain: str
    #: The node's own resolv.conf.
    resolver: Resolver = Resolver()
    #: The node's `status.allocatable`, as quantities; `memory` also scales the OOM scores.
    allocatable: Mapping[str, str] = field(default_factory=dict)
    #: Processes and threads that each container may have, 0 for any number.
    pids_limit: int = 0
    abilities: Abilities = Abilities()
    #: The folder that a seccomp profile of type Localhost is in.
    seccomp_profiles: Path = Path("seccomp")
    #: How much of each container's output is kept.
    logs: LogLimits = field(default_factory=LogLimits)
