"""A pod's object as the containers that make it real (pure).

`sandbox_spec` is the pause container that owns network, IPC and hostname; `container_spec` one container that joins
it. Nothing here asks the engine or the API: what it takes besides the pod is given.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

from agent.runtime import limits, security
from agent.runtime.base import (
    LABEL_CLUSTER,
    LABEL_CONTAINER,
    LABEL_CRITICAL,
    LABEL_GRACE,
    LABEL_MESSAGE,
    LABEL_NAMESPACE,
    LABEL_NODE,
    LABEL_POD,
    LABEL_RESTARTS,
    LABEL_SANDBOX,
    LABEL_SPEC,
    LABEL_UID,
    SANDBOX,
    ConfigError,
    ContainerSpec,
    Image,
    Mount,
    PortMapping,
    Resources,
)
from agent.runtime.expansion import expand
from agent.runtime.node import NodeContext as NodeContext
from agent.runtime.resolver import pod_resolver
from orchestrator.api.meta import Object, name, namespace, spec, uid
from orchestrator.api.pods import containers, init_containers, is_critical

_DEFAULT_GRACE = 30
#: A name is also part of file names.
_MAX_NAME = 255
_MAX_HOSTNAME = 63
#: What the kernel takes.
_MAX_FQDN = 64
#: Fields of a container whose change means a new instance: only the image of a running pod can change.
_HASHED = ("name", "image")


def sandbox_spec(pod: Object, node: NodeContext, pause_image: str, runtime: str = "") -> ContainerSpec:
    """Raises ConfigError for what no sandbox of this engine can be."""
    own = spec(pod)
    _check(pod)
    host_network = bool(own.get("hostNetwork"))
    resolver = pod_resolver(pod, node)
    return ContainerSpec(
        name=_name(node.cluster, SANDBOX, pod),
        image=pause_image,
        labels=_labels(pod, node) | {LABEL_CONTAINER: SANDBOX},
        network="host" if host_network else "",
        ipc="host" if own.get("hostIPC") else "shareable",
        pid="host" if own.get("hostPID") else "",
        hostname="" if host_network else _sandbox_hostname(pod, node),
        domain="" if host_network or own.get("setHostnameAsFQDN") else _domain(pod, node),
        extra_hosts=[(alias, entry["ip"]) for entry in own.get("hostAliases") or () for alias in entry["hostnames"]],
        dns=resolver.nameservers,
        dns_search=resolver.searches,
        dns_options=resolver.options,
        ports=[] if host_network else list(_host_ports(pod)),
        resources=Resources(cpu_shares=limits.shares(0), oom_score_adj=limits.SANDBOX_SCORE),
        sysctls={
            security.sysctl(entry): str(entry["value"])
            for entry in (own.get("securityContext") or {}).get("sysctls") or ()
        },
        runtime=runtime,
    )


def container_spec(
    pod: Object,
    container: Object,
    *,
    sandbox_id: str,
    image: Image,
    env: Sequence[tuple[str, str]],
    mounts: Sequence[Mount],
    restarts: int,
    node: NodeContext,
    target_id: str = "",
    runtime: str = "",
    seccomp: str = "",
) -> ContainerSpec:
    """`env` is resolved and expanded (`agent.environment`); `target_id` is the container whose processes an ephemeral
    container is to see; `seccomp` is the text of a profile of type Localhost. Raises ConfigError for what the engine
    cannot do."""
    own = security.context(pod, container)
    security.check_non_root(pod, container, image)
    added, dropped = security.capabilities(own)
    sandbox = f"container:{sandbox_id}"
    return ContainerSpec(
        name=_name(node.cluster, container["name"], pod, str(restarts)),
        image=container["image"],
        labels=_labels(pod, node)
        | {
            LABEL_CONTAINER: container["name"],
            LABEL_RESTARTS: str(restarts),
            LABEL_SPEC: spec_hash(container),
            LABEL_SANDBOX: sandbox_id,
            LABEL_MESSAGE: container.get("terminationMessagePolicy") or "File",
        },
        command=_expanded(container.get("command"), env),
        args=_arguments(container, env),
        env=env,
        working_dir=container.get("workingDir") or "",
        mounts=mounts,
        network=sandbox,
        ipc="host" if spec(pod).get("hostIPC") else sandbox,
        pid=_pid_namespace(pod, sandbox, target_id),
        resources=limits.container_resources(pod, container, node),
        logs=node.logs,
        user=security.user(pod, own, image),
        groups=security.groups(pod),
        privileged=bool(own.get("privileged")),
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        add_capabilities=added,
        drop_capabilities=dropped,
        security_options=security.options(own, seccomp),
        runtime=runtime,
        stdin=bool(container.get("stdin")),
        stdin_once=bool(container.get("stdinOnce")),
        tty=bool(container.get("tty")),
        stop_signal=(container.get("lifecycle") or {}).get("stopSignal") or "",
    )


def spec_hash(container: Object) -> str:
    """Equal for two container specs that one instance can stand for."""
    text = json.dumps([container.get(field) for field in _HASHED])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def hostname(pod: Object) -> str:
    """`spec.hostname` or the pod's name, cut to what a hostname may be."""
    return (spec(pod).get("hostname") or name(pod))[:_MAX_HOSTNAME].rstrip("-.")


def _check(pod: Object) -> None:
    """Sentences are the kubelet's."""
    if spec(pod).get("hostUsers") is False:
        raise ConfigError("can't set `spec.hostUsers: false`, runtime does not support user namespaces")
    if claims := spec(pod).get("resourceClaims"):
        names = ", ".join(claim["name"] for claim in claims)
        raise ConfigError(f"failed to prepare dynamic resources: no driver for the claims {names} on this node")


def _sandbox_hostname(pod: Object, node: NodeContext) -> str:
    """Raises ConfigError when the name that the pod wants is longer than the kernel takes."""
    domain = _domain(pod, node)
    if not spec(pod).get("setHostnameAsFQDN") or not domain:
        return hostname(pod)
    full = f"{hostname(pod)}.{domain}"
    if len(full) > _MAX_FQDN:
        raise ConfigError(
            f"failed to construct FQDN from pod hostname and cluster domain, FQDN {full} is too long "
            f"({_MAX_FQDN} characters is the max, {len(full)} characters requested)"
        )
    return full


def _domain(pod: Object, node: NodeContext) -> str:
    subdomain = spec(pod).get("subdomain")
    return f"{subdomain}.{namespace(pod)}.svc.{node.cluster_domain}" if subdomain else ""


def _name(cluster: str, container: str, pod: Object, *suffix: str) -> str:
    """`podlab_CLUSTER_CONTAINER_POD_NAMESPACE_UID[_RESTARTS]`; a long one loses the end of the pod's name first."""
    head, tail = f"podlab_{cluster}_{container}_", "_".join(("", namespace(pod), uid(pod), *suffix))
    return head + name(pod)[: _MAX_NAME - len(head) - len(tail)] + tail


def _labels(pod: Object, node: NodeContext) -> dict[str, str]:
    grace = spec(pod).get("terminationGracePeriodSeconds")
    critical = {LABEL_CRITICAL: "true"} if is_critical(pod) else {}
    return {
        LABEL_CLUSTER: node.cluster,
        LABEL_NODE: node.node,
        LABEL_NAMESPACE: namespace(pod),
        LABEL_POD: name(pod),
        LABEL_UID: uid(pod),
        LABEL_GRACE: str(_DEFAULT_GRACE if grace is None else grace),
        **critical,
    }


def _host_ports(pod: Object) -> Iterator[PortMapping]:
    for container in (*init_containers(pod), *containers(pod)):
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                protocol, address = port.get("protocol") or "TCP", port.get("hostIP") or ""
                yield PortMapping(int(port["containerPort"]), int(port["hostPort"]), protocol, address)


def _pid_namespace(pod: Object, sandbox: str, target_id: str) -> str:
    if spec(pod).get("hostPID"):
        return "host"
    if target_id:
        return f"container:{target_id}"
    return sandbox if spec(pod).get("shareProcessNamespace") else ""


def _expanded(words: Sequence[str] | None, env: Sequence[tuple[str, str]]) -> list[str] | None:
    """None keeps the image's, as an empty list does in Kubernetes."""
    values = dict(env)
    return [expand(word, values) for word in words] if words else None


def _arguments(container: Object, env: Sequence[tuple[str, str]]) -> list[str] | None:
    """A command of the pod's own also replaces the image's arguments."""
    arguments = _expanded(container.get("args"), env)
    return [] if arguments is None and container.get("command") else arguments
