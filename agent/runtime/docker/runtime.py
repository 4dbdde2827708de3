"""DockerRuntime: the runtime's contract over the Docker SDK's low-level client, one call of the engine a method."""

from __future__ import annotations

import functools
import hashlib
import io
import math
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import orjson
import requests
from docker.utils import parse_repository_tag, version_gte

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
    NoSuchContainer,
    NoSuchImage,
    Process,
    Progress,
    PullFailed,
    RegistryAuth,
    Resources,
    RuntimeFailure,
    Stats,
    Stream,
)
from agent.runtime.docker import answers, cgroups, credentials, execution, interactive, pulling, transfer
from agent.runtime.docker.config import create_body, limits
from agent.runtime.docker.failures import as_missing_container, checked, or_done, translated
from agent.runtime.docker.known import KnownContainers
from agent.runtime.docker.log_files import log_size
from agent.runtime.docker.pause import CHANGES, pause_image
from agent.runtime.docker.privileges import may_lower_oom_score
from agent.runtime.docker.streams import EngineStream, demultiplex, lines
from agent.runtime.inside import HostPaths, host_paths, own_container

_DEFAULT_URL = "unix:///var/run/docker.sock"
_CONNECTIONS = 32
_EVENTS = ("create", "start", "die", "oom", "destroy")
#: API version from which on the engine can be told how deep a read-only mount goes.
_RECURSION = "1.44"
#: The kubelet's image pull progress deadline for Docker, in seconds.
PULL_DEADLINE = 60.0
_OOM_WARNING = "no negative OOM scores: Docker Engine may not set one (it lacks CAP_SYS_RESOURCE, or is out of sight)"


class DockerRuntime:
    """`url` "" takes DOCKER_HOST or the default socket; `timeout` in seconds is for one answer of the engine, and
    `pull_deadline` for the next sign of life of a pull.

    Nothing is asked of the engine before the first method that needs it.
    """

    def __init__(self, url: str = "", timeout: int = 120, pull_deadline: float = PULL_DEADLINE) -> None:
        self._pull_deadline = pull_deadline
        self._url = url or os.environ.get("DOCKER_HOST") or _DEFAULT_URL
        self._timeout = timeout
        self._connecting = threading.Lock()
        self._connected: docker.APIClient | None = None
        self._known = KnownContainers()

    @property
    def _client(self) -> docker.APIClient:
        with self._connecting:
            if self._connected is None:
                try:
                    with translated(EngineUnreachable, EngineUnreachable):
                        self._connected = docker.APIClient(
                            self._url, version="auto", timeout=self._timeout, max_pool_size=_CONNECTIONS
                        )
                except ValueError as error:
                    # The SDK decodes the logins of the user's configuration, and trips over a broken one.
                    raise EngineUnreachable(f"the Docker configuration of this user is broken: {error}") from error
                # The engine is not behind the environment's proxies, and looking for them costs at each call.
                self._connected.trust_env = False
            return self._connected

    @functools.cached_property
    def _lower_oom_score(self) -> bool:
        return may_lower_oom_score(self._url)

    @functools.cached_property
    def _host_paths(self) -> HostPaths:
        own = own_container(Path("/proc/self/mountinfo").read_text())
        try:
            with translated(NoSuchContainer):
                return host_paths(self._client.inspect_container(own)) if own else HostPaths({})
        except NoSuchContainer:
            # A container of another engine.
            return HostPaths({})

    def info(self) -> EngineInfo:
        warnings = () if self._lower_oom_score else (_OOM_WARNING,)
        with translated():
            return answers.engine(self._client.info(), self._client.inspect_network("bridge"), warnings)

    # Containers

    def list(self, labels: Mapping[str, str]) -> Sequence[ContainerState]:
        with translated():
            listed = self._client.containers(all=True, filters={"label": _filter(labels)})
        self._known.keep((entry["Id"] for entry in listed), labels)
        found = (self._known.get(entry["Id"], entry["State"]) or self._look(entry["Id"]) for entry in listed)
        return [state for state in found if state is not None]

    def _look(self, id: str) -> ContainerState | None:
        try:
            return self.inspect(id)
        except NoSuchContainer:
            return None

    def inspect(self, id: str) -> ContainerState:
        with translated(NoSuchContainer):
            state = answers.container(self._client.inspect_container(id))
        self._known.put(state)
        return state

    def create(self, spec: ContainerSpec) -> str:
        known = version_gte(self._client.api_version, _RECURSION)
        body = create_body(self._host_paths.translate(spec), lower_oom_score=self._lower_oom_score, recursion=known)
        with translated(NoSuchImage):
            return str(self._client.create_container_from_config(body, spec.name)["Id"])

    def start(self, id: str) -> None:
        self._known.forget(id)
        try:
            with translated():
                self._client.start(id)
        except RuntimeFailure as failure:
            raise as_missing_container(failure) from failure

    def stop(self, id: str, grace: float) -> None:
        with or_done():
            self._client.stop(id, timeout=math.ceil(grace))

    def kill(self, id: str, signal: str = "SIGKILL") -> None:
        with or_done("is not running"):
            self._client.kill(id, signal)

    def update(self, id: str, resources: Resources) -> None:
        self._known.forget(id)
        address = f"{self._client.base_url}/v{self._client.api_version}/containers/{id}/update"
        with translated(NoSuchContainer):
            checked(self._client.post(address, json=limits(resources)))

    def remove(self, id: str) -> None:
        with or_done("is already in progress"):
            self._client.remove_container(id, v=True, force=True)
        self._known.forget(id)

    def events(self, labels: Mapping[str, str], since: float) -> Stream[Event]:
        filters = {"type": ["container"], "event": list(_EVENTS), "label": _filter(labels)}
        answer = self._stream("/events", {"since": f"{since:.9f}", "filters": orjson.dumps(filters).decode()})
        return EngineStream(answer, self._decode_events, endless=True)

    def _decode_events(self, chunks: Iterator[bytes]) -> Iterator[Event]:
        for line in lines(chunks):
            event = answers.event(orjson.loads(line))
            self._known.forget(event.id)
            yield event

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
        with translated(NoSuchContainer):
            tty = self._client.inspect_container(id)["Config"]["Tty"]
        parameters = {
            "follow": follow,
            "tail": "all" if tail is None else tail,
            "since": f"{since:.9f}",
            "timestamps": timestamps,
            "stdout": stdout,
            "stderr": stderr,
        }
        return EngineStream(self._stream(f"/containers/{id}/logs", parameters), iter if tty else demultiplex)

    def _stream(self, path: str, parameters: Mapping[str, Any]) -> requests.Response:
        """An answer without end: it may be silent for as long as it likes. Raises NoSuchContainer."""
        with translated(NoSuchContainer):
            address = f"{self._client.base_url}/v{self._client.api_version}{path}"
            query = {name: int(value) if isinstance(value, bool) else value for name, value in parameters.items()}
            return checked(self._client.get(address, params=query, stream=True, timeout=(self._timeout, None)))

    def exec(self, id: str, command: Sequence[str], timeout: float) -> ExecResult:
        return execution.run(self._client, id, command, timeout)

    def exec_stream(self, id: str, command: Sequence[str], *, stdin: bool, tty: bool) -> Process:
        return interactive.exec_stream(self._client, id, command, stdin=stdin, tty=tty)

    def attach(self, id: str, *, stdin: bool, tty: bool, replay: bool = False) -> Process:
        return interactive.attach(self._client, id, stdin=stdin, tty=tty, replay=replay)

    def stats(self, id: str) -> Stats:
        state = self._known.get(id, "running") or self.inspect(id)
        if state.pid and (seen := cgroups.read(id, state.pid, time.time())):
            return seen
        with translated(NoSuchContainer):
            return answers.stats(self._client.stats(id, stream=False, one_shot=True))

    def disk_usage(self, id: str) -> DiskUsage:
        with translated(NoSuchContainer):
            address = f"{self._client.base_url}/v{self._client.api_version}/containers/{id}/json"
            found = checked(self._client.get(address, params={"size": "true"}, timeout=self._timeout)).json()
        return DiskUsage(int(found.get("SizeRw") or 0), log_size(found.get("LogPath") or ""))

    # Images

    def image(self, reference: str) -> Image:
        with translated(NoSuchImage):
            return answers.image(self._client.inspect_image(reference))

    def images(self) -> Sequence[Image]:
        with translated():
            return [answers.image(entry) for entry in self._client.images()]

    def images_in_use(self) -> frozenset[str]:
        with translated():
            return frozenset(entry["ImageID"] for entry in self._client.containers(all=True))

    def remove_image(self, reference: str) -> None:
        with or_done():
            self._client.remove_image(reference)

    def disk(self) -> Disk | None:
        if not self._url.startswith("unix://"):
            return None
        with translated():
            root = self._client.info()["DockerRootDir"]
        try:
            found = os.statvfs(root)
        except OSError:
            # In a virtual machine behind the socket, or out of this container's sight.
            return None
        return Disk(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)

    def machine_auth(self, reference: str) -> RegistryAuth | None:
        return credentials.machine_auth(_split(reference)[0])

    def pull(
        self,
        reference: str,
        auth: RegistryAuth | None = None,
        progress: Progress | None = None,
        platform: str = "",
    ) -> None:
        with pulling.explained(self._pull_deadline):
            messages = pulling.begin(self._client, *_split(reference), auth, platform, self._pull_deadline)
            transfer.follow(messages, progress, PullFailed)

    def push(self, reference: str, auth: RegistryAuth | None = None, progress: Progress | None = None) -> str:
        with translated(NoSuchImage):
            messages = self._client.push(
                *_split(reference), stream=True, decode=True, auth_config=credentials.encoded(auth)
            )
            return str(transfer.follow(messages, progress)["Digest"])

    def tag(self, reference: str, target: str) -> None:
        with translated(NoSuchImage):
            self._client.tag(reference, *_split(target), force=True)

    def import_image(self, tar: bytes, reference: str, changes: Sequence[str] = ()) -> None:
        repository, tag = _split(reference)
        with translated():
            answer = self._client.import_image_from_data(tar, repository, tag, changes=[*changes])
            transfer.follow(orjson.loads(line) for line in answer.splitlines())

    def export_image(self, reference: str) -> Iterator[bytes]:
        name = f"podlab_export_{hashlib.sha256(reference.encode()).hexdigest()[:16]}"
        # Left by an agent that was killed meanwhile.
        self.remove(name)
        with translated(NoSuchImage):
            # It is never started, but must have something that it could start.
            id = self._client.create_container_from_config({"Image": reference, "Cmd": ["/"]}, name)["Id"]
        try:
            with translated(NoSuchContainer):
                yield from self._client.export(id)
        finally:
            self.remove(id)

    def build(self, context: bytes, reference: str, arguments: Mapping[str, str]) -> None:
        with translated():
            messages = self._client.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                tag=reference,
                buildargs=dict(arguments),
                rm=True,
                forcerm=True,
                decode=True,
            )
            transfer.follow(messages)

    def ensure_pause_image(self) -> str:
        with translated():
            architecture = answers.architecture(self._client.version()["Arch"])
        wanted = pause_image(architecture)
        try:
            self.image(wanted.reference)
        except NoSuchImage:
            self.import_image(wanted.tar, wanted.reference, CHANGES)
        return wanted.reference

    # Volumes

    def ensure_volume(self, name: str, labels: Mapping[str, str]) -> None:
        with translated():
            self._client.create_volume(name, labels=dict(labels))

    def remove_volume(self, name: str) -> None:
        with or_done():
            self._client.remove_volume(name)


def _filter(labels: Mapping[str, str]) -> Sequence[str]:
    return [f"{name}={value}" for name, value in labels.items()]


def _split(reference: str) -> tuple[str, str]:
    """(repository, tag or digest); the tag is `latest` when there is none."""
    repository, tag = parse_repository_tag(reference)
    return repository, tag or "latest"
