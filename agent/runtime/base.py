"""The runtime's contract: what the agent needs of a container engine, and nothing of Docker.

A pod is a sandbox (a pause container that owns the network, IPC and hostname) and one container per app container
that joins it. The engine is the agent's memory: labels on each container say which pod it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar

from orchestrator.util.link import Link

#: `Settings.engine_name`: no two clusters share it, whatever they are called.
LABEL_CLUSTER = "podlab.cluster"
LABEL_NODE = "podlab.node"
LABEL_NAMESPACE = "podlab.namespace"
LABEL_POD = "podlab.pod"
LABEL_UID = "podlab.uid"
#: The container's name in the pod, or `POD` for the sandbox.
LABEL_CONTAINER = "podlab.container"
#: How often the container was restarted before this instance: 0 for the first.
LABEL_RESTARTS = "podlab.restarts"
#: Hash of the parts of the spec the container was made from.
LABEL_SPEC = "podlab.spec"
#: Id of the sandbox an app container joined: it is worth nothing without it.
LABEL_SANDBOX = "podlab.sandbox"
#: What its message is when it ends: its terminationMessagePolicy.
LABEL_MESSAGE = "podlab.message"
#: Seconds of graceful stop, kept for pods whose object is gone.
LABEL_GRACE = "podlab.grace"
#: "true" on those of pods that the cluster needs: they end last when the machine goes down.
LABEL_CRITICAL = "podlab.critical"

SANDBOX = "POD"

STDIN, STDOUT, STDERR = 0, 1, 2

State = Literal["created", "running", "exited"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A host path, or a volume of the engine (a `source` that is no path), bound into the container.

    `kind` tmpfs has no source; `size` is its limit in bytes (0: none).
    """

    target: str
    source: str = ""
    kind: Literal["bind", "tmpfs"] = "bind"
    read_only: bool = False
    size: int = 0
    propagation: str = ""
    #: Whether what is mounted below a read-only one is read-only too.
    recursive: Literal["", "IfPossible", "Enabled"] = ""


@dataclass(frozen=True, slots=True)
class PortMapping:
    """A port published on the host, for `hostPort`. `protocol` is TCP or UDP; `host_ip` "" is all addresses."""

    container_port: int
    host_port: int
    protocol: str = "TCP"
    host_ip: str = ""


@dataclass(frozen=True, slots=True)
class Resources:
    """As the engine takes them; 0 means unset. `cpu_shares` from requests, `cpu_quota` (per 100 ms, in us) from
    limits, `memory` in bytes, `pids` processes and threads."""

    cpu_shares: int = 0
    cpu_quota: int = 0
    memory: int = 0
    pids: int = 0
    oom_score_adj: int | None = None


@dataclass(frozen=True, slots=True)
class LogLimits:
    """What of a container's output is kept: `files` files of `size` bytes, the oldest go first. The kubelet's
    containerLogMaxFiles and containerLogMaxSize, with its defaults."""

    size: int = 10 << 20
    files: int = 5


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """Everything needed to create one container. `name` is the engine's name for it, unique on the engine.

    `network`: `container:<id>` to join a sandbox, `host`, `none`, or "" for the engine's bridge (the sandbox itself).
    `command` replaces the image's entrypoint, `args` its command; None keeps the image's.
    """

    name: str
    image: str
    labels: Mapping[str, str]
    command: Sequence[str] | None = None
    args: Sequence[str] | None = None
    env: Sequence[tuple[str, str]] = ()
    working_dir: str = ""
    mounts: Sequence[Mount] = ()
    network: str = ""
    ipc: str = ""
    pid: str = ""
    hostname: str = ""
    #: What follows the hostname in the pod's fully qualified name.
    domain: str = ""
    #: (name, address) lines for /etc/hosts.
    extra_hosts: Sequence[tuple[str, str]] = ()
    dns: Sequence[str] = ()
    dns_search: Sequence[str] = ()
    dns_options: Sequence[str] = ()
    ports: Sequence[PortMapping] = ()
    resources: Resources = field(default_factory=Resources)
    logs: LogLimits = field(default_factory=LogLimits)
    user: str = ""
    groups: Sequence[str] = ()
    privileged: bool = False
    read_only_root: bool = False
    add_capabilities: Sequence[str] = ()
    drop_capabilities: Sequence[str] = ()
    security_options: Sequence[str] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    #: The engine's name of the program that runs the container, "" for its default.
    runtime: str = ""
    stdin: bool = False
    #: Its standard input ends with that of the first who attaches.
    stdin_once: bool = False
    tty: bool = False
    #: As `SIGUSR1`; "" is the image's.
    stop_signal: str = ""


@dataclass(frozen=True, slots=True)
class ContainerState:
    """One container as the engine has it now. Times are seconds since the epoch, 0 when it has not happened."""

    id: str
    name: str
    labels: Mapping[str, str]
    image: str
    image_id: str
    state: State
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    created_at: float = 0.0
    started_at: float = 0.0
    finished_at: float = 0.0
    #: The sandbox's address on the bridge, "" for others and for stopped ones.
    ip: str = ""
    pid: int = 0
    #: The limits that hold; None where that is not known.
    resources: Resources | None = None
    #: What an ended one left to be told: no engine's knowledge, see `agent.termination`.
    message: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """`size` in bytes; `digests` are `repo@sha256:...`. `user` is the image's USER."""

    id: str
    tags: Sequence[str]
    digests: Sequence[str]
    size: int
    user: str = ""


@dataclass(frozen=True, slots=True)
class ExecResult:
    exit_code: int
    output: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to one of our containers: `action` is create, start, die, oom, destroy."""

    action: str
    id: str
    labels: Mapping[str, str]
    at: float


@dataclass(frozen=True, slots=True)
class StatsDetails:
    """What is told beside the two figures that matter most; None for what the kernel does not count. Memory in bytes,
    times in nanoseconds; faults, periods and throttling are cumulative. Processes include threads."""

    memory_usage: int
    memory_rss: int
    memory_cache: int
    page_faults: int
    major_page_faults: int
    swap: int | None = None
    processes: int | None = None
    periods: int | None = None
    throttled_periods: int | None = None
    throttled_nanoseconds: int | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """Cumulative CPU in nanoseconds; memory in bytes (working set = usage less inactive file cache)."""

    cpu_nanoseconds: int
    memory_working_set: int
    at: float
    details: StatsDetails | None = None


@dataclass(frozen=True, slots=True)
class DiskUsage:
    """Bytes that a container has written: to its own layer of the file system, and to its log (0 where that cannot be
    seen)."""

    layer: int
    log: int = 0


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """The engine and the machine under it; memory in bytes."""

    name: str
    version: str
    operating_system: str
    kernel: str
    architecture: str
    cpus: int
    memory: int
    cgroup_version: str
    root_dir: str
    #: Address of the bridge on the host: pods reach the host, and so service addresses, through it.
    gateway: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that the engine keeps its images and containers on; in bytes."""

    capacity: int
    available: int


@dataclass(frozen=True, slots=True)
class RegistryAuth:
    """A user's name and password, or an `identity_token`, which some registries' logins give out instead."""

    username: str
    password: str
    identity_token: str = ""


class RuntimeFailure(Exception):
    """The engine refused or failed; the message is the engine's own."""


class EngineUnreachable(RuntimeFailure):
    """No engine answers: nothing is known, nothing may be concluded."""


class NoSuchContainer(RuntimeFailure):
    """The container is gone. For a removal that is success."""


class NoSuchImage(RuntimeFailure):
    """The image is not on the engine."""


class NameInUse(RuntimeFailure):
    """A container of that name exists; `id` is its id."""

    def __init__(self, message: str, id: str) -> None:
        super().__init__(message)
        self.id = id


class PullFailed(RuntimeFailure):
    """The image could not be had: unknown, denied, too often asked for, or there is no room for it."""


class RegistryUnavailable(PullFailed):
    """The registry cannot be reached, or says that it cannot serve now."""


class CredentialsFailed(RuntimeFailure):
    """The machine's credentials for a registry cannot be read: a broken file, or a helper that fails or hangs."""


class ConfigError(Exception):
    """The pod asks for what is not there or cannot be; the sentence is the message of CreateContainerConfigError."""


Progress = Callable[[str, int, int], None]
T_co = TypeVar("T_co", covariant=True)


class Stream(Protocol[T_co]):
    """An iterator that waits for what comes next, until it is closed."""

    def __iter__(self) -> Iterator[T_co]: ...

    def __next__(self) -> T_co: ...

    def close(self) -> None:
        """May be called from another thread, and more than once; the iteration then ends soon."""


class Process(Protocol):
    """The streams of a running command, for one thread; its standard input is what is written to `link`.

    `link.ended` is true when no more output comes.
    """

    link: Link

    def read(self) -> Sequence[tuple[int, bytes]]:
        """The output that is here, each piece with its stream: STDOUT or STDERR. Does not block."""

    def resize(self, width: int, height: int) -> None:
        """The terminal's size in characters."""

    def exit_code(self) -> int | None:
        """None while it still runs, as it may for a moment after its output has ended."""

    def close(self) -> None:
        """Let go of it. It is not killed."""


class Runtime(Protocol):
    """Every method raises EngineUnreachable when no engine answers, RuntimeFailure for other refusals.

    Methods are called from many threads. Removing or stopping what is gone is a success, not an error.
    """

    def info(self) -> EngineInfo: ...

    def list(self, labels: Mapping[str, str]) -> Sequence[ContainerState]:
        """All containers, running or not, that carry all of `labels`."""

    def inspect(self, id: str) -> ContainerState:
        """Raises NoSuchContainer."""

    def create(self, spec: ContainerSpec) -> str:
        """Create, do not start; returns the id. Raises NoSuchImage, NameInUse."""

    def start(self, id: str) -> None:
        """Raises NoSuchContainer, RuntimeFailure (no such command, port taken, mount impossible)."""

    def stop(self, id: str, grace: float) -> None:
        """Stop signal, then SIGKILL after `grace` seconds; returns when the container has ended."""

    def kill(self, id: str, signal: str = "SIGKILL") -> None: ...

    def update(self, id: str, resources: Resources) -> None:
        """Have other limits hold, of CPU and memory, while it runs. Raises NoSuchContainer, RuntimeFailure."""

    def remove(self, id: str) -> None:
        """Kill if running, remove it and its anonymous volumes."""

    def events(self, labels: Mapping[str, str], since: float) -> Stream[Event]:
        """Events from `since` (seconds since the epoch) on, without end; raises EngineUnreachable when it breaks."""

    def logs(
        self,
        id: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: float = 0.0,
        timestamps: bool = False,
        stdout: bool = True,
        stderr: bool = True,
    ) -> Stream[bytes]:
        """The container's output in chunks, streams merged, engine framing removed. Raises NoSuchContainer."""

    def exec(self, id: str, command: Sequence[str], timeout: float) -> ExecResult:
        """Run and wait. Raises TimeoutError after `timeout` seconds."""

    def exec_stream(self, id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> Process:
        """Run with its streams connected. Raises NoSuchContainer, RuntimeFailure."""

    def attach(self, id: str, *, stdin: bool, tty: bool, replay: bool = False) -> Process:
        """The streams of the container's own process, from now on, or with `replay` from its start.

        `tty` says how the container was made. Its exit code is always 0. Raises NoSuchContainer, RuntimeFailure.
        """

    def stats(self, id: str) -> Stats: ...

    def disk_usage(self, id: str) -> DiskUsage:
        """Alive or not; the engine counts, so it takes longer the more files there are. Raises NoSuchContainer."""

    def image(self, reference: str) -> Image:
        """Raises NoSuchImage."""

    def images(self) -> Sequence[Image]: ...

    def images_in_use(self) -> frozenset[str]:
        """Ids of the images that containers were made from, running or not, whoever made them."""

    def remove_image(self, reference: str) -> None:
        """Take a name (or an id) away; with its last name goes the image. Raises RuntimeFailure while it is in use."""

    def disk(self) -> Disk | None:
        """None when the engine's files are out of sight: it runs on another machine."""

    def machine_auth(self, reference: str) -> RegistryAuth | None:
        """What the Docker configuration of the user who runs this says for the image's registry, asking credential
        helpers; None when it says nothing. Raises CredentialsFailed."""

    def pull(
        self,
        reference: str,
        auth: RegistryAuth | None = None,
        progress: Progress | None = None,
        platform: str = "",
    ) -> None:
        """Without `auth`, anonymously. Raises PullFailed, also when nothing comes for a while.

        `progress(layer, done, total)` in bytes; `platform` is `os/architecture[/variant]`, "" for the engine's own.
        """

    def push(self, reference: str, auth: RegistryAuth | None = None, progress: Progress | None = None) -> str:
        """Push to the registry the reference names; returns the digest. Raises RuntimeFailure."""

    def tag(self, reference: str, target: str) -> None:
        """Raises NoSuchImage."""

    def import_image(self, tar: bytes, reference: str, changes: Sequence[str] = ()) -> None:
        """Make an image of one layer from a tar; `changes` are Dockerfile instructions (ENTRYPOINT, CMD, USER ...)."""

    def export_image(self, reference: str) -> Iterator[bytes]:
        """The image's files as a tar, in chunks. Raises NoSuchImage."""

    def build(self, context: bytes, reference: str, arguments: Mapping[str, str]) -> None:
        """Build the Dockerfile in the tar `context` with the build arguments. Raises RuntimeFailure."""

    def ensure_pause_image(self) -> str:
        """The pause image, made from the package's own program when the engine lacks it; returns its reference."""

    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """A named volume of the engine."""

    def remove_volume(self, name: str) -> None: ...
