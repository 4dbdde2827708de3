"""Pulls images: each once for all who want it, a limited number at one time, in the order they were asked for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from agent.pool import Pool
from agent.runtime.base import (
    CredentialsFailed,
    Image,
    NoSuchImage,
    PullFailed,
    RegistryAuth,
    Runtime,
    RuntimeFailure,
)
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

#: Pulls at one time where no limit is set: as many as a node's pods can want.
UNLIMITED = 512
#: Seconds between two lines of the log about a pull that goes on.
REPORT = 10.0
_MEGABYTE = 1e6

#: (reference, what it named before the pull, what it names now).
OnPulled = Callable[[str, Image | None, Image], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is pulled once for all who want it. Other credentials may be luckier, so they are part of it."""

    reference: str
    auths: tuple[RegistryAuth, ...] = ()


@dataclass(frozen=True, slots=True)
class Pulled:
    """`seconds` is how long the pull itself took, without the time it waited for its turn."""

    image: Image
    seconds: float


class Puller:
    """`limit` is how many pulls run at one time, 0 for any number; `platform` is for images that have several."""

    def __init__(self, runtime: Runtime, clock: Clock, on_pulled: OnPulled, limit: int = 0, platform: str = "") -> None:
        self._runtime, self._clock = runtime, clock
        self._on_pulled, self._platform = on_pulled, platform
        self._pool = Pool("image-pull", limit or UNLIMITED)
        self._lock = threading.Lock()
        self._pulls: dict[Wanted, Future[Pulled]] = {}

    def pull(self, wanted: Wanted) -> Future[Pulled]:
        """Begin a pull, or join the same one that another asked for. It fails with PullFailed or EngineUnreachable."""
        with self._lock:
            pull = self._pulls.get(wanted)
            if pull is None:
                pull = self._pulls[wanted] = Future()
                self._pool.submit(lambda: self._run(wanted, pull))
        return pull

    def _run(self, wanted: Wanted, pull: Future[Pulled]) -> None:
        begun = self._clock.monotonic()
        try:
            image = self._pulled(wanted)
        except RuntimeFailure as failure:
            self._end(wanted)
            pull.set_exception(failure)
        except Exception as defect:
            self._end(wanted)
            pull.set_exception(defect)
            raise
        else:
            self._end(wanted)
            pull.set_result(Pulled(image, self._clock.monotonic() - begun))

    def _end(self, wanted: Wanted) -> None:
        """From now on another pull is begun, not joined."""
        with self._lock:
            del self._pulls[wanted]

    def _pulled(self, wanted: Wanted) -> Image:
        before = self._present(wanted.reference)
        auths, problem = self._credentials(wanted)
        try:
            self._try_each(wanted.reference, auths)
        except PullFailed as failure:
            if not problem:
                raise
            raise type(failure)(f"{failure} (tried without this machine's login: {problem})") from failure
        image = self._runtime.image(wanted.reference)
        self._on_pulled(wanted.reference, before, image)
        return image

    def _present(self, reference: str) -> Image | None:
        try:
            return self._runtime.image(reference)
        except NoSuchImage:
            return None

    def _credentials(self, wanted: Wanted) -> tuple[Sequence[RegistryAuth | None], str]:
        """The pod's, then the machine's, or none where there are none; and why the machine's cannot be had."""
        try:
            own, problem = self._runtime.machine_auth(wanted.reference), ""
        except CredentialsFailed as failure:
            log.warning("%s is pulled without this machine's login: %s", wanted.reference, failure)
            own, problem = None, str(failure)
        return [*wanted.auths, *([own] if own else [])] or [None], problem

    def _try_each(self, reference: str, auths: Sequence[RegistryAuth | None]) -> None:
        """Raises PullFailed: the last one's failure."""
        *others, last = auths
        for auth in others:
            try:
                self._pull(reference, auth)
            except PullFailed as failure:
                log.info("%s: not with the login of %r: %s", reference, auth.username if auth else "", failure)
            else:
                return
        self._pull(reference, last)

    def _pull(self, reference: str, auth: RegistryAuth | None) -> None:
        log.info("%s: pulling", reference)
        try:
            self._runtime.pull(reference, auth, _Report(reference, self._clock).layer, self._platform)
        except RuntimeFailure as failure:
            log.warning("%s: not pulled: %s", reference, failure)
            raise
        log.info("%s: pulled", reference)


class _Report:
    """Writes into the log how far a pull is, now and then."""

    def __init__(self, reference: str, clock: Clock) -> None:
        self._reference, self._clock = reference, clock
        self._layers: dict[str, tuple[int, int]] = {}
        self._next = clock.monotonic() + REPORT

    def layer(self, layer: str, done: int, total: int) -> None:
        self._layers[layer] = (done, total)
        if self._clock.monotonic() < self._next:
            return
        self._next = self._clock.monotonic() + REPORT
        here, all = (sum(column) / _MEGABYTE for column in zip(*self._layers.values(), strict=True))
        log.info("%s: pulling, %.1f of at least %.1f MB are here", self._reference, here, all)
