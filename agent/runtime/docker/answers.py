"""The engine's JSON answers as the contract's values (pure)."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from agent.runtime.base import (
    ContainerState,
    EngineInfo,
    Event,
    Image,
    Resources,
    State,
    Stats,
    StatsDetails,
)
from orchestrator.api.times import parse

Json = Mapping[str, Any]

_STATES: Mapping[str, State] = {
    "created": "created",
    "running": "running",
    "paused": "running",
    "restarting": "running",
    "removing": "exited",
    "exited": "exited",
    "dead": "exited",
}
#: What the engine adds to a container's labels in an event's attributes.
_EVENT_EXTRAS = frozenset({"image", "name", "exitCode", "execDuration", "signal"})


def state(status: str) -> State:
    return _STATES[status]


def container(answer: Json) -> ContainerState:
    """From `GET /containers/ID/json`."""
    found = answer["State"]
    config = answer["Config"]
    return ContainerState(
        id=answer["Id"],
        name=answer["Name"].removeprefix("/"),
        labels=config.get("Labels") or {},
        image=config["Image"],
        image_id=answer["Image"],
        state=state(found["Status"]),
        exit_code=int(found["ExitCode"]),
        oom_killed=bool(found["OOMKilled"]),
        error=found["Error"],
        created_at=seconds(answer["Created"]),
        started_at=seconds(found["StartedAt"]),
        finished_at=seconds(found["FinishedAt"]),
        ip=_address(answer.get("NetworkSettings") or {}),
        pid=int(found["Pid"]),
        resources=_resources(answer.get("HostConfig")),
    )


def _resources(host: Json | None) -> Resources | None:
    if host is None:
        return None
    return Resources(
        cpu_shares=int(host.get("CpuShares") or 0),
        cpu_quota=int(host.get("CpuQuota") or 0),
        memory=int(host.get("Memory") or 0),
        pids=max(0, int(host.get("PidsLimit") or 0)),
        oom_score_adj=host.get("OomScoreAdj"),
    )


def seconds(text: str) -> float:
    """Seconds since the epoch; 0.0 for the engine's "never", the year 1."""
    return 0.0 if not text or text.startswith("0001-") else parse(text)


def _address(network: Json) -> str:
    networks = network.get("Networks") or {}
    return next((str(entry["IPAddress"]) for entry in networks.values() if entry.get("IPAddress")), "")


def event(answer: Json) -> Event:
    """From a line of `GET /events`."""
    attributes = answer["Actor"]["Attributes"]
    labels = {name: value for name, value in attributes.items() if name not in _EVENT_EXTRAS}
    return Event(answer["Action"], answer["Actor"]["ID"], labels, answer["timeNano"] / 1e9)


def image(answer: Json) -> Image:
    """From `GET /images/NAME/json`, or an entry of `GET /images/json` (which knows no user)."""
    return Image(
        id=answer["Id"],
        tags=tuple(tag for tag in answer.get("RepoTags") or () if tag != "<none>:<none>"),
        digests=tuple(digest for digest in answer.get("RepoDigests") or () if digest != "<none>@<none>"),
        size=int(answer["Size"]),
        user=(answer.get("Config") or {}).get("User") or "",
    )


def stats(answer: Json) -> Stats:
    """From `GET /containers/ID/stats`. The working set is the kubelet's: usage less inactive file cache."""
    memory = answer.get("memory_stats") or {}
    details = memory.get("stats") or {}
    inactive = details.get("total_inactive_file", details.get("inactive_file", 0))
    return Stats(
        cpu_nanoseconds=int(answer["cpu_stats"]["cpu_usage"]["total_usage"]),
        memory_working_set=max(0, int(memory.get("usage", 0)) - int(inactive)),
        at=seconds(answer["read"]),
        details=_details(answer, memory, details),
    )


def _details(answer: Json, memory: Json, details: Json) -> StatsDetails:
    """Control groups of version 1 and 2 have different names for the same."""
    throttling = answer["cpu_stats"].get("throttling_data") or {}
    return StatsDetails(
        memory_usage=int(memory.get("usage", 0)),
        memory_rss=int(details.get("total_rss", details.get("anon", 0))),
        memory_cache=int(details.get("total_cache", details.get("file", 0))),
        page_faults=int(details.get("total_pgfault", details.get("pgfault", 0))),
        major_page_faults=int(details.get("total_pgmajfault", details.get("pgmajfault", 0))),
        processes=(answer.get("pids_stats") or {}).get("current"),
        periods=throttling.get("periods"),
        throttled_periods=throttling.get("throttled_periods"),
        throttled_nanoseconds=throttling.get("throttled_time"),
    )


def engine(info: Json, bridge: Json, warnings: tuple[str, ...]) -> EngineInfo:
    """From `GET /info` and `GET /networks/bridge`."""
    return EngineInfo(
        name=info["Name"],
        version=info["ServerVersion"],
        operating_system=info["OperatingSystem"],
        kernel=info["KernelVersion"],
        architecture=architecture(info["Architecture"]),
        cpus=int(info["NCPU"]),
        memory=int(info["MemTotal"]),
        cgroup_version=info.get("CgroupVersion") or "1",
        root_dir=info["DockerRootDir"],
        gateway=_gateway(bridge),
        warnings=(*(info.get("Warnings") or ()), *warnings),
    )


def architecture(machine: str) -> str:
    """As Go, and so Kubernetes, names it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _gateway(bridge: Json) -> str:
    """The bridge's address; where the engine chose the subnet itself it does not say, but takes the first one."""
    configs = (bridge.get("IPAM") or {}).get("Config") or ()
    for config in configs:
        subnet = ipaddress.ip_network(config["Subnet"])
        if subnet.version == 4:
            return str(config.get("Gateway") or subnet[1])
    return ""
