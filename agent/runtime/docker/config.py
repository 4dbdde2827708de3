"""A ContainerSpec as the body of the engine's `POST /containers/create` (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.runtime.base import ContainerSpec, LogLimits, Mount, PortMapping, Resources, RuntimeFailure

Json = dict[str, Any]

_CPU_PERIOD = 100_000


def create_body(spec: ContainerSpec, *, lower_oom_score: bool = True, recursion: bool = False) -> Json:
    """`lower_oom_score` False leaves out a negative OOM score, which not every engine may set; `recursion` False what
    an engine before 25 does not know: whether read-only mounts are so all the way down.

    Raises RuntimeFailure for a mount that needs such an engine.
    """
    body: Json = {
        "Image": spec.image,
        "Labels": dict(spec.labels),
        "Env": [f"{name}={value}" for name, value in spec.env],
        "WorkingDir": spec.working_dir,
        "User": spec.user,
        "OpenStdin": spec.stdin,
        "StdinOnce": spec.stdin_once,
        "Tty": spec.tty,
        # Probes are the agent's; an image's own would only cost.
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(spec, lower_oom_score, recursion),
    }
    if spec.stop_signal:
        body["StopSignal"] = spec.stop_signal
    if spec.command is not None:
        body["Entrypoint"] = list(spec.command)
    if spec.args is not None:
        body["Cmd"] = list(spec.args)
    if spec.hostname:
        body["Hostname"] = spec.hostname
    if spec.domain:
        body["Domainname"] = spec.domain
    if spec.ports:
        body["ExposedPorts"] = {_port(mapping): {} for mapping in spec.ports}
    return body


def _host_config(spec: ContainerSpec, lower_oom_score: bool, recursion: bool) -> Json:
    host: Json = {
        "NetworkMode": spec.network or "bridge",
        "IpcMode": spec.ipc,
        "PidMode": spec.pid,
        "Mounts": [_mount(mount, recursion) for mount in spec.mounts],
        "PortBindings": _port_bindings(spec.ports),
        "Privileged": spec.privileged,
        "ReadonlyRootfs": spec.read_only_root,
        "CapAdd": list(spec.add_capabilities),
        "CapDrop": list(spec.drop_capabilities),
        "SecurityOpt": list(spec.security_options),
        "GroupAdd": list(spec.groups),
        "Sysctls": dict(spec.sysctls),
        "Runtime": spec.runtime,
        "ExtraHosts": [f"{name}:{address}" for name, address in spec.extra_hosts],
        "Dns": list(spec.dns),
        "DnsSearch": list(spec.dns_search),
        "DnsOptions": list(spec.dns_options),
        "LogConfig": _log_config(spec.logs),
    }
    return host | limits(spec.resources) | _fixed(spec.resources, lower_oom_score)


def _log_config(limits: LogLimits) -> Json:
    """The driver whose rotated files the engine reads back, whatever the engine's own default is."""
    return {"Type": "json-file", "Config": {"max-size": str(limits.size), "max-file": str(limits.files)}}


def limits(resources: Resources) -> Json:
    """What may also be changed later, by `POST /containers/ID/update`."""
    limits: Json = {}
    if resources.cpu_shares:
        limits["CpuShares"] = resources.cpu_shares
    if resources.cpu_quota:
        limits |= {"CpuPeriod": _CPU_PERIOD, "CpuQuota": resources.cpu_quota}
    if resources.memory:
        # The same limit for memory with swap: no swap, as in Kubernetes.
        limits |= {"Memory": resources.memory, "MemorySwap": resources.memory}
    return limits


def _fixed(resources: Resources, lower_oom_score: bool) -> Json:
    limits: Json = {"PidsLimit": resources.pids} if resources.pids else {}
    score = resources.oom_score_adj
    if score is not None and (score >= 0 or lower_oom_score):
        limits["OomScoreAdj"] = score
    return limits


def _mount(mount: Mount, recursion: bool) -> Json:
    if mount.kind == "tmpfs":
        options = {"TmpfsOptions": {"SizeBytes": mount.size}} if mount.size else {}
        return {"Type": "tmpfs", "Target": mount.target, **options}
    body: Json = {"Source": mount.source, "Target": mount.target, "ReadOnly": mount.read_only}
    if not mount.source.startswith("/"):
        return {"Type": "volume", **body}
    options = _recursion(mount, recursion) | ({"Propagation": mount.propagation} if mount.propagation else {})
    return {"Type": "bind", **body, **({"BindOptions": options} if options else {})}


def _recursion(mount: Mount, known: bool) -> Json:
    """Engines that know it make read-only mounts recursive where the kernel can, unless they are told."""
    if mount.recursive == "Enabled":
        if not known:
            raise RuntimeFailure(f"recursive read-only mount {mount.target} needs Docker Engine 25 or later")
        # The engine takes it with private propagation only.
        return {"ReadOnlyForceRecursive": True, "Propagation": "rprivate"}
    return {"ReadOnlyNonRecursive": True} if known and mount.read_only and not mount.recursive else {}


def _port(mapping: PortMapping) -> str:
    return f"{mapping.container_port}/{mapping.protocol.lower()}"


def _port_bindings(ports: Sequence[PortMapping]) -> Json:
    bindings: Json = {}
    for mapping in ports:
        binding = {"HostIp": mapping.host_ip, "HostPort": str(mapping.host_port)}
        bindings.setdefault(_port(mapping), []).append(binding)
    return bindings
