"""FakeRuntime: an engine in memory, for tests and for hollow nodes (a real agent without containers).

Images are pulled at once, containers run until they are told otherwise. What a container does is said by words among
its command and arguments:

    print:TEXT   writes a line
    exit:CODE    ends at once
    stubborn     does not heed the stop signal
    fill:BYTES   (also in `exec`) writes that much to its file system
    hang         (in `exec`) never ends
    error:TEXT   (in `exec_stream`, `attach`) writes a line to the standard error
    echo         (in `exec_stream`, `attach`) gives back its input, and ends with it
    sizes        (in `exec_stream`, `attach`) with `echo`, says the terminal's size when it changes

Tests turn the public attributes and call `exit`, `write` to make the world misbehave.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.image_name import registry_and_path
from agent.runtime.base import (
    ContainerSpec,
    ContainerState,
    Disk,
    DiskUsage,
    EngineInfo,
    EngineUnreachable,
    Event,
    ExecResult,
    Image,
    NameInUse,
    NoSuchContainer,
    NoSuchImage,
    Process,
    Progress,
    PullFailed,
    RegistryAuth,
    Resources,
    RuntimeFailure,
    Stats,
    StatsDetails,
    Stream,
)
from agent.runtime.fake_process import FakeProcess, said
from agent.runtime.waiting_stream import WaitingStream
from orchestrator.api.times import rfc3339_micro
from orchestrator.util.clock import Clock

_SIGKILLED, _SIGTERMED = 137, 143
_MEBIBYTE = 1 << 20
_INFO = EngineInfo(
    name="hollow",
    version="0",
    operating_system="none",
    kernel="0",
    architecture="amd64",
    cpus=4,
    memory=8 << 30,
    cgroup_version="2",
    root_dir="/nonexistent",
    gateway="10.88.0.1",
)


@dataclass
class _Container:
    spec: ContainerSpec
    state: ContainerState
    lines: list[tuple[float, bytes]] = field(default_factory=list)
    #: How many lines are kept no more.
    dropped: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    #: Bytes written to its file system.
    layer: int = 0

    @property
    def words(self) -> tuple[str, ...]:
        return (*(self.spec.command or ()), *(self.spec.args or ()))


class FakeRuntime:
    def __init__(self, clock: Clock) -> None:
        #: No method answers, and streams break, while this is set; see `break_off`.
        self.unreachable = False
        #: Every method fails with this message while it is not ""; see `fail`.
        self.failure = ""
        #: Image reference -> the message its pull fails with.
        self.pull_failures: dict[str, str] = {}
        #: The credentials of the machine's user, by registry.
        self.logins: dict[str, RegistryAuth] = {}
        #: What `disk` tells; images that come and go change it not.
        self.space: Disk | None = Disk(100 << 30, 90 << 30)
        #: Image reference -> the message that starting a container of it fails with.
        self.start_failures: dict[str, str] = {}
        #: Image reference -> the message that changing the limits of a container of it fails with.
        self.update_failures: dict[str, str] = {}
        #: Every reference that was pulled, and pushed, in order.
        self.pulled: list[str] = []
        self.pushed: list[str] = []
        self.volumes: dict[str, Mapping[str, str]] = {}
        #: What `ContainerSpec.runtime` may be.
        self.runtimes = {"", "runc"}
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._containers: dict[str, _Container] = {}
        self._events: list[Event] = []
        self._images: dict[str, Image] = {}
        self._numbers = itertools.count(1)

    # What tests do to it

    def add_image(self, reference: str, *, user: str = "", size: int = _MEBIBYTE) -> Image:
        """Have the image on the engine without a pull."""
        digest = _digest(reference)
        image = Image(digest, (_tagged(reference),), (f"{_repository(reference)}@{digest}",), size, user)
        with self._changed:
            self._images[_tagged(reference)] = image
        return image

    def exit(self, id: str, code: int = 0, *, oom: bool = False) -> None:
        """The container ends by itself, or is killed for memory."""
        with self._changed:
            if oom:
                self._emit("oom", self._get(id))
            self._end(self._get(id), _SIGKILLED if oom else code, oom=oom)

    def write(self, id: str, line: str) -> None:
        """The container writes a line."""
        with self._changed:
            container = self._get(id)
            container.lines.append((self._clock.now(), f"{line}\n".encode()))
            limits = container.spec.logs
            while sum(len(kept) for _, kept in container.lines) > limits.size * limits.files:
                del container.lines[0]
                container.dropped += 1
            self._changed.notify_all()

    def break_off(self) -> None:
        """The engine goes away: from now on nothing answers, and running streams break."""
        with self._changed:
            self.unreachable = True
            self._changed.notify_all()

    def fail(self, message: str) -> None:
        """The engine answers, but only with errors, from now on; running streams break."""
        with self._changed:
            self.failure = message
            self._changed.notify_all()

    def spec(self, id: str) -> ContainerSpec:
        """What the container was made from."""
        with self._changed:
            return self._get(id).spec

    # The contract

    def info(self) -> EngineInfo:
        self._reach()
        return _INFO

    def list(self, labels: Mapping[str, str]) -> Sequence[ContainerState]:
        with self._reached():
            return [c.state for c in self._containers.values() if labels.items() <= c.spec.labels.items()]

    def inspect(self, id: str) -> ContainerState:
        with self._reached():
            return self._get(id).state

    def create(self, spec: ContainerSpec) -> str:
        with self._reached():
            image = self.image(spec.image)
            if spec.runtime not in self.runtimes:
                raise RuntimeFailure(f"unknown or invalid runtime name: {spec.runtime}")
            for other in self._containers.values():
                if other.spec.name == spec.name:
                    raise NameInUse(f"the container name {spec.name} is in use by {other.state.id}", other.state.id)
            id = hashlib.sha256(f"container {next(self._numbers)}".encode()).hexdigest()
            state = ContainerState(
                id,
                spec.name,
                dict(spec.labels),
                spec.image,
                image.id,
                "created",
                created_at=self._clock.now(),
                resources=spec.resources,
            )
            self._containers[id] = _Container(spec, state)
            self._emit("create", self._containers[id])
            return id

    def start(self, id: str) -> None:
        with self._reached():
            container = self._get(id)
            if container.state.state == "running":
                return
            if failure := self._start_failure(container):
                container.state = replace(container.state, exit_code=128, error=failure)
                raise RuntimeFailure(failure)
            number = next(self._numbers)
            ip = "" if container.spec.network else f"10.88.{number >> 8 & 255}.{number & 255}"
            container.ended.clear()
            container.state = replace(
                container.state, state="running", started_at=self._clock.now(), ip=ip, pid=number, exit_code=0, error=""
            )
            self._emit("start", container)
            for word in container.words:
                if word.startswith("print:"):
                    self.write(id, word.removeprefix("print:"))
            container.layer += _filled(container.words)
            if (code := _exit_code(container.words)) is not None:
                self._end(container, code)

    def _start_failure(self, container: _Container) -> str:
        sandbox = container.spec.network.removeprefix("container:")
        if sandbox != container.spec.network:
            joined = self._containers.get(sandbox)
            if joined is None or joined.state.state != "running":
                return f"cannot join network of a non running container: {sandbox}"
        return self.start_failures.get(container.spec.image, "")

    def stop(self, id: str, grace: float) -> None:
        with self._reached():
            container = self._containers.get(id)
            if container is None or container.state.state != "running":
                return
            if "stubborn" not in container.words:
                self._end(container, _SIGTERMED)
                return
        self._clock.wait(container.ended, grace)
        self.kill(id)

    def kill(self, id: str, signal: str = "SIGKILL") -> None:
        with self._reached():
            container = self._containers.get(id)
            if container is not None and (signal == "SIGKILL" or "stubborn" not in container.words):
                self._end(container, _SIGKILLED if signal == "SIGKILL" else _SIGTERMED)

    def update(self, id: str, resources: Resources) -> None:
        with self._reached():
            container = self._get(id)
            if failure := self.update_failures.get(container.spec.image):
                raise RuntimeFailure(failure)
            container.state = replace(container.state, resources=resources)

    def remove(self, id: str) -> None:
        with self._reached():
            container = self._containers.get(id)
            if container is not None:
                self._end(container, _SIGKILLED)
                del self._containers[id]
                self._emit("destroy", container)

    def events(self, labels: Mapping[str, str], since: float) -> Stream[Event]:
        position = 0

        def next_events() -> Sequence[Event]:
            nonlocal position
            self._reach()
            new, position = self._events[position:], len(self._events)
            return [event for event in new if event.at >= since and labels.items() <= event.labels.items()]

        self._reach()
        return WaitingStream(self._changed, next_events)

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
        with self._reached():
            container = self._get(id)
            present = [entry for entry in container.lines if entry[0] >= since]
            position = container.dropped + len(container.lines)
        first = present if tail is None else present[len(present) - min(tail, len(present)) :]

        def next_lines() -> Sequence[bytes] | None:
            nonlocal first, position
            self._reach()
            new, first = [*first, *container.lines[max(0, position - container.dropped) :]], []
            position = container.dropped + len(container.lines)
            ended = not follow or container.state.state == "exited" or id not in self._containers
            chunks = [_stamp(at) + line if timestamps else line for at, line in new] if stdout else []
            return chunks or (None if ended else ())

        return WaitingStream(self._changed, next_lines)

    def exec(self, id: str, command: Sequence[str], timeout: float) -> ExecResult:
        with self._reached():
            container = self._check_running(id)
            container.layer += _filled(command)
        if "hang" in command:
            self._clock.wait(container.ended, timeout)
            raise TimeoutError(f"command {' '.join(command)!r} did not end within {timeout:g} s")
        return ExecResult(_exit_code(command) or 0, _printed(command))

    def exec_stream(self, id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> Process:
        with self._reached():
            self._check_running(id)
        return FakeProcess(command, _printed(command), stdin=stdin, exit_code=_exit_code(command) or 0)

    def attach(self, id: str, *, stdin: bool, tty: bool, replay: bool = False) -> Process:
        with self._reached():
            self._check_running(id)
            written = b"".join(line for _, line in self._get(id).lines) if replay else b""
            return FakeProcess(self._get(id).words, written, stdin=stdin, exit_code=0)

    def stats(self, id: str) -> Stats:
        """A hundredth of a core, one MiB, and one process."""
        with self._reached():
            now = self._clock.now()
            details = StatsDetails(_MEBIBYTE, _MEBIBYTE, 0, 0, 0, processes=1)
            return Stats(int((now - self._get(id).state.started_at) * 1e7), _MEBIBYTE, now, details)

    def disk_usage(self, id: str) -> DiskUsage:
        with self._reached():
            container = self._get(id)
            return DiskUsage(container.layer, sum(len(line) for _, line in container.lines))

    def image(self, reference: str) -> Image:
        with self._reached():
            for name, image in self._images.items():
                if name == _tagged(reference) or reference == image.id or reference in image.digests:
                    return image
            raise NoSuchImage(f"No such image: {reference}")

    def images(self) -> Sequence[Image]:
        with self._reached():
            return list(self._images.values())

    def images_in_use(self) -> frozenset[str]:
        with self._reached():
            return frozenset(container.state.image_id for container in self._containers.values())

    def remove_image(self, reference: str) -> None:
        with self._reached():
            names = [name for name, image in self._images.items() if reference in (name, image.id, *image.digests)]
            if any(self._images[name].id in self.images_in_use() for name in names):
                raise RuntimeFailure(f"conflict: unable to remove {reference}: a container uses it")
            for name in names:
                del self._images[name]

    def disk(self) -> Disk | None:
        self._reach()
        return self.space

    def machine_auth(self, reference: str) -> RegistryAuth | None:
        return self.logins.get(registry_and_path(reference)[0])

    def pull(
        self,
        reference: str,
        auth: RegistryAuth | None = None,
        progress: Progress | None = None,
        platform: str = "",
    ) -> None:
        self._reach()
        self.pulled.append(reference)
        if reference in self.pull_failures:
            raise PullFailed(self.pull_failures[reference])
        if progress is not None:
            progress("layer", _MEBIBYTE, _MEBIBYTE)
        self.add_image(reference)

    def push(self, reference: str, auth: RegistryAuth | None = None, progress: Progress | None = None) -> str:
        digest = self.image(reference).id
        self.pushed.append(reference)
        if progress is not None:
            progress("layer", _MEBIBYTE, _MEBIBYTE)
        return digest

    def tag(self, reference: str, target: str) -> None:
        image = self.image(reference)
        with self._changed:
            self._images[_tagged(target)] = replace(image, tags=(*image.tags, _tagged(target)))

    def import_image(self, tar: bytes, reference: str, changes: Sequence[str] = ()) -> None:
        self._reach()
        users = [change.split()[1] for change in changes if change.startswith("USER ")]
        self.add_image(reference, user=users[-1] if users else "", size=len(tar))

    def export_image(self, reference: str) -> Iterator[bytes]:
        """One file, `name`, with the image's first tag."""
        with self._reached():
            tag = self.image(reference).tags[0].encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            entry = tarfile.TarInfo("name")
            entry.size = len(tag)
            tar.addfile(entry, io.BytesIO(tag))
        yield buffer.getvalue()

    def build(self, context: bytes, reference: str, arguments: Mapping[str, str]) -> None:
        self._reach()
        self.add_image(reference, size=len(context))

    def ensure_pause_image(self) -> str:
        self._reach()
        self.add_image("podlab/pause:fake", size=_MEBIBYTE)
        return "podlab/pause:fake"

    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        self._reach()
        self.volumes.setdefault(name, dict(labels))

    def remove_volume(self, name: str) -> None:
        self._reach()
        self.volumes.pop(name, None)

    # Inside

    def _check_running(self, id: str) -> _Container:
        container = self._get(id)
        if container.state.state != "running":
            raise RuntimeFailure(f"Container {id} is not running")
        return container

    def _reach(self) -> None:
        if self.unreachable:
            raise EngineUnreachable("the engine is switched off")
        if self.failure:
            raise RuntimeFailure(self.failure)

    def _reached(self) -> threading.Condition:
        """The lock, of an engine that answers."""
        self._reach()
        return self._changed

    def _get(self, id: str) -> _Container:
        if id not in self._containers:
            raise NoSuchContainer(f"No such container: {id}")
        return self._containers[id]

    def _end(self, container: _Container, code: int, *, oom: bool = False) -> None:
        if container.state.state != "running":
            return
        now = self._clock.now()
        container.state = replace(
            container.state, state="exited", exit_code=code, oom_killed=oom, finished_at=now, ip="", pid=0
        )
        container.ended.set()
        self._emit("die", container)

    def _emit(self, action: str, container: _Container) -> None:
        self._events.append(Event(action, container.state.id, dict(container.spec.labels), self._clock.now()))
        self._changed.notify_all()


def _printed(words: Sequence[str]) -> bytes:
    return said(words, "print:")


def _exit_code(words: Sequence[str]) -> int | None:
    return next((int(word.removeprefix("exit:")) for word in words if word.startswith("exit:")), None)


def _filled(words: Sequence[str]) -> int:
    return sum(int(word.removeprefix("fill:")) for word in words if word.startswith("fill:"))


def _repository(reference: str) -> str:
    name = reference.partition("@")[0]
    head, colon, tag = name.rpartition(":")
    return head if colon and "/" not in tag else name


def _tagged(reference: str) -> str:
    return reference if "@" in reference or reference != _repository(reference) else f"{reference}:latest"


def _digest(reference: str) -> str:
    return f"sha256:{hashlib.sha256(_tagged(reference).encode()).hexdigest()}"


def _stamp(at: float) -> bytes:
    return f"{rfc3339_micro(at)} ".encode()
