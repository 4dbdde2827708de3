"""The bundled registry's container: there, running, and the only one that this cluster has."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from agent.runtime.base import (
    LABEL_CLUSTER,
    ContainerSpec,
    ContainerState,
    CredentialsFailed,
    Mount,
    NameInUse,
    NoSuchImage,
    PortMapping,
    PullFailed,
    RegistryAuth,
    Runtime,
    RuntimeFailure,
)
from orchestrator.util.settings import Settings
from registry import offline
from registry.client import RegistryClient, RegistryError

UPSTREAM = "registry:2"
#: Marks the container and its volume as the registry of the cluster.
LABEL_REGISTRY = "podlab.registry"
_PORT = 5000
_START_TIMEOUT = 30.0

Say = Callable[[str], None]


class RegistryManager:
    def __init__(self, runtime: Runtime, settings: Settings) -> None:
        self._runtime = runtime
        self._settings = settings
        self._name = f"{settings.engine_name}-registry"
        self._labels = {LABEL_CLUSTER: settings.engine_name, LABEL_REGISTRY: "true"}
        self.client = RegistryClient(f"http://127.0.0.1:{settings.registry_port}")

    @property
    def address(self) -> str:
        """What image names of this registry start with."""
        return f"{self._settings.registry_host}:{self._settings.registry_port}"

    def ensure(self, say: Say) -> None:
        """Return when the registry answers. Raises RuntimeFailure or RegistryError."""
        container = self._container()
        if container is None or container.state != "running":
            id = container.id if container else self._create(say)
            try:
                self._runtime.start(id)
            except RuntimeFailure:
                # A container whose start failed would fail the same way for ever, also with other settings.
                self._runtime.remove(id)
                raise
        self._wait()

    def wait_stopped(self, since: float) -> None:
        """Block until the registry's container ends. Raises EngineUnreachable."""
        for event in self._runtime.events(self._labels, since):
            if event.action in ("die", "destroy"):
                return

    def stop(self, *, remove: bool) -> None:
        """Stop the container; with `remove`, delete it and all pushed images."""
        container = self._container()
        if container is not None:
            self._runtime.stop(container.id, 5.0)
            if remove:
                self._runtime.remove(container.id)
        if remove:
            self._runtime.remove_volume(self._name)

    def _container(self) -> ContainerState | None:
        return next(iter(self._runtime.list(self._labels)), None)

    def _create(self, say: Say) -> str:
        self._runtime.ensure_volume(self._name, self._labels)
        spec = ContainerSpec(
            name=self._name,
            image=self._image(say),
            labels=self._labels,
            env=[("REGISTRY_STORAGE_DELETE_ENABLED", "true")],
            mounts=[Mount("/var/lib/registry", self._name)],
            ports=[PortMapping(_PORT, self._settings.registry_port, host_ip="127.0.0.1")],
        )
        try:
            return self._runtime.create(spec)
        except NameInUse as error:
            raise RegistryError(
                f"a container named {self._name} exists and is not podlab's: remove it (docker rm -f {self._name})"
            ) from error

    def _image(self, say: Say) -> str:
        """The registry's image: present, pulled, or made from the distribution's packages."""
        return obtain(self._runtime, UPSTREAM, "registry", say)

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT
        pause = threading.Event()
        while not self.client.ping():
            if time.monotonic() > deadline:
                raise RegistryError(f"the registry was started but does not answer: see `docker logs {self._name}`")
            pause.wait(0.05)


def obtain(runtime: Runtime, upstream: str, package: str, say: Say) -> str:
    """A reference to an image that is on the engine now: `upstream` from Docker Hub, or where that cannot be reached,
    the same software from the distribution's packages (`registry.offline`)."""
    try:
        runtime.image(upstream)
        return upstream
    except NoSuchImage:
        say(f"pulling {upstream}")
    try:
        runtime.pull(upstream, _login(runtime, upstream, say))
        return upstream
    except PullFailed as error:
        say(f"Docker Hub cannot be used ({error}); making the image from the distribution's packages instead")
        return offline.build(runtime, package, say)


def _login(runtime: Runtime, reference: str, say: Say) -> RegistryAuth | None:
    """The user's own, where there is one: Docker Hub serves who logs in more often."""
    try:
        return runtime.machine_auth(reference)
    except CredentialsFailed as error:
        say(f"pulling without a login: {error}")
        return None
