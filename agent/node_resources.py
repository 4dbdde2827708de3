"""What a node has, and what of it pods can have (capacity and allocatable). Pure but for the look at huge pages.

Allocatable is what is left of the capacity without what is reserved for the system and for the cluster's own parts, and
without what may not be used because pods would be evicted: the kubelet's formula.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from agent.eviction.config import EvictionConfig, eviction_config
from agent.eviction.signals import MEMORY, NODE_DISK
from agent.node_facts import Machine
from agent.runtime.base import EngineInfo
from orchestrator.api.quantity import format_binary, format_milli, integer, milli
from orchestrator.util.settings import Settings, SettingsError

#: The resources of which something can be set aside.
_RESERVABLE = ("cpu", "memory", "ephemeral-storage")
_HUGE_PAGES = Path("/sys/kernel/mm/hugepages")

Quantities = Mapping[str, str]


def capacity(*, cpus: int, memory: int, storage: int, pods: int, huge_pages: Mapping[int, int]) -> dict[str, str]:
    """`memory` and `storage` in bytes; `huge_pages` how many of each size in bytes."""
    return {
        "cpu": str(cpus),
        "memory": f"{memory // 1024}Ki",
        "ephemeral-storage": f"{storage // 1024}Ki",
        "pods": str(pods),
        **{f"hugepages-{format_binary(size)}": format_binary(size * count) for size, count in huge_pages.items()},
    }


def allocatable(whole: Quantities, reserved: Quantities, eviction: EvictionConfig) -> dict[str, str]:
    """Never less than nothing. `reserved` is the sum of all that is set aside."""
    memory, storage = integer(whole["memory"]), integer(whole["ephemeral-storage"])
    huge = sum(integer(amount) for resource, amount in whole.items() if resource.startswith("hugepages-"))
    taken = {
        "memory": integer(reserved.get("memory", 0)) + eviction.hard_limit(MEMORY, memory) + huge,
        "ephemeral-storage": integer(reserved.get("ephemeral-storage", 0)) + eviction.hard_limit(NODE_DISK, storage),
    }
    left = {resource: f"{max(0, integer(whole[resource]) - less) // 1024}Ki" for resource, less in taken.items()}
    cpu = format_milli(max(0, milli(whole["cpu"]) - milli(reserved.get("cpu", 0))))
    return {**whole, **left, "cpu": cpu}


def node_resources(settings: Settings) -> Callable[[EngineInfo, Machine], tuple[Quantities, Quantities]]:
    """What gives a node's capacity and allocatable. Raises SettingsError."""
    eviction, set_aside = eviction_config(settings), reserved(settings)

    def resources(engine: EngineInfo, machine: Machine) -> tuple[Quantities, Quantities]:
        whole = capacity(
            cpus=engine.cpus,
            memory=engine.memory,
            storage=machine.storage,
            pods=settings.max_pods,
            huge_pages=huge_pages(),
        )
        return whole, allocatable(whole, set_aside, eviction)

    return resources


def reserved(settings: Settings) -> dict[str, str]:
    """What `kube_reserved` and `system_reserved` set aside together. Raises SettingsError."""
    total: dict[str, str] = {}
    for name in ("kube_reserved", "system_reserved"):
        for resource, amount in _amounts(name, getattr(settings, name)):
            if resource == "cpu":
                total[resource] = format_milli(milli(total.get(resource, 0)) + milli(amount))
            else:
                total[resource] = str(integer(total.get(resource, 0)) + integer(amount))
    return total


def huge_pages(folder: Path = _HUGE_PAGES) -> dict[int, int]:
    """How many of each size (in bytes) the kernel keeps: `hugepages-2048kB/nr_hugepages`."""
    found = {}
    for size in folder.glob("hugepages-*kB"):
        kilobytes = int(size.name.removeprefix("hugepages-").removesuffix("kB"))
        found[kilobytes * 1024] = int((size / "nr_hugepages").read_text())
    return dict(sorted(found.items()))


def _amounts(setting: str, text: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, text.split(",")):
        resource, _, amount = part.partition("=")
        try:
            fits = resource in _RESERVABLE and milli(amount) >= 0
        except ValueError:
            fits = False
        if not fits:
            raise SettingsError(f"{setting} has {part!r}: write RESOURCE=QUANTITY with one of {', '.join(_RESERVABLE)}")
        yield resource, amount
