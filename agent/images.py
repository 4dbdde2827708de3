"""Images for containers: pulled by policy, once for all who wait, with back-off after a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from agent.image_name import with_tag
from agent.runtime.base import EngineUnreachable, Image, NoSuchImage, PullFailed, RegistryAuth, Runtime, RuntimeFailure
from orchestrator.util.clock import Clock

#: The kubelet's back-off after failed pulls, in seconds.
FIRST_BACKOFF = 10.0
LONGEST_BACKOFF = 300.0

#: After a failed pull, when to ask again: the answer is then ImagePullBackOff, which says why nothing happens.
_SOON = 2.0

#: (type, reason, message) of an event on the pod.
OnEvent = Callable[[str, str, str], None]


class ImageError(Exception):
    """There is no image (yet). `reason` is the container's waiting reason, `retry_after` in seconds from now."""

    def __init__(self, reason: str, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is pulled once for all who want it. Other credentials may be luckier, so they are part of it."""

    reference: str
    auths: tuple[RegistryAuth, ...]


@dataclass(slots=True)
class _Pull:
    """A pull that runs; `image` or `failure` is set when it is `done`. `seconds` is how long it took."""

    done: threading.Event = field(default_factory=threading.Event)
    image: Image | None = None
    failure: RuntimeFailure | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Backoff:
    """Times are monotonic."""

    message: str
    delay: float
    until: float


class ImageManager:
    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        self._runtime = runtime
        self._clock = clock
        self._lock = threading.Lock()
        self._pulls: dict[_Wanted, _Pull] = {}
        self._backoffs: dict[_Wanted, _Backoff] = {}

    def ensure(self, reference: str, policy: str, auths: Sequence[RegistryAuth], on_event: OnEvent) -> Image:
        """The image of a container, on the engine; may take as long as a pull.

        `policy` is the imagePullPolicy; of `auths` each is tried in turn, and none means anonymously. Raises
        ImageError, and EngineUnreachable.
        """
        try:
            image = self._ensure(reference, policy, tuple(auths), on_event)
        except ImageError as error:
            on_event("Warning", "Failed", f"Error: {error.reason}")
            raise
        return image

    def _ensure(self, reference: str, policy: str, auths: tuple[RegistryAuth, ...], on_event: OnEvent) -> Image:
        wanted = _Wanted(_checked(reference, on_event), auths)
        if policy != "Always":
            try:
                image = self._runtime.image(wanted.reference)
            except NoSuchImage:
                if policy == "Never":
                    raise _never(reference, on_event) from None
            else:
                on_event("Normal", "Pulled", f'Container image "{reference}" already present on machine')
                return image
        self._heed_backoff(wanted, reference, on_event)
        return self._pull(wanted, reference, on_event)

    def _heed_backoff(self, wanted: _Wanted, reference: str, on_event: OnEvent) -> None:
        with self._lock:
            backoff = self._backoffs.get(wanted)
        left = 0.0 if backoff is None else backoff.until - self._clock.monotonic()
        if backoff is not None and left > 0:
            sentence = f'Back-off pulling image "{reference}"'
            on_event("Normal", "BackOff", sentence)
            raise ImageError("ImagePullBackOff", f"{sentence}: ErrImagePull: {backoff.message}", left)

    def _pull(self, wanted: _Wanted, reference: str, on_event: OnEvent) -> Image:
        """Pull, or wait for who pulls the same already."""
        begun = self._clock.monotonic()
        with self._lock:
            pull = self._pulls.get(wanted)
            mine = pull is None
            if pull is None:
                pull = self._pulls[wanted] = _Pull()
        on_event("Normal", "Pulling", f'Pulling image "{reference}"')
        if mine:
            self._run(wanted, pull)
        else:
            pull.done.wait()
        if isinstance(pull.failure, EngineUnreachable):
            raise pull.failure
        if pull.failure is not None:
            on_event("Warning", "Failed", f'Failed to pull image "{reference}": {pull.failure}')
            raise ImageError("ErrImagePull", str(pull.failure), _SOON)
        assert pull.image is not None
        took, waited = duration(pull.seconds), duration(self._clock.monotonic() - begun)
        on_event(
            "Normal",
            "Pulled",
            f'Successfully pulled image "{reference}" in {took} ({waited} including waiting). '
            f"Image size: {pull.image.size} bytes.",
        )
        return pull.image

    def _run(self, wanted: _Wanted, pull: _Pull) -> None:
        begun = self._clock.monotonic()
        try:
            pull.image = self._pulled(wanted)
        except RuntimeFailure as failure:
            pull.failure = failure
        finally:
            pull.seconds = self._clock.monotonic() - begun
            with self._lock:
                del self._pulls[wanted]
                if pull.image is not None:
                    self._backoffs.pop(wanted, None)
                elif not isinstance(pull.failure, EngineUnreachable):
                    self._back_off(wanted, str(pull.failure))
            pull.done.set()

    def _pulled(self, wanted: _Wanted) -> Image:
        """Raises PullFailed: of several credentials the last one's failure."""
        *others, last = wanted.auths or (None,)
        for auth in others:
            try:
                self._runtime.pull(wanted.reference, auth)
                return self._runtime.image(wanted.reference)
            except PullFailed:
                continue
        self._runtime.pull(wanted.reference, last)
        return self._runtime.image(wanted.reference)

    def _back_off(self, wanted: _Wanted, message: str) -> None:
        """A failure long after the last one begins anew."""
        now, last = self._clock.monotonic(), self._backoffs.get(wanted)
        if last is None or now > last.until + LONGEST_BACKOFF:
            delay = FIRST_BACKOFF
        else:
            delay = min(2 * last.delay, LONGEST_BACKOFF)
        self._backoffs[wanted] = _Backoff(message, delay, now + delay)


def _checked(reference: str, on_event: OnEvent) -> str:
    try:
        return with_tag(reference)
    except ValueError as error:
        message = f'Failed to apply default image tag "{reference}": couldn\'t parse image name "{reference}": {error}'
        on_event("Warning", "InspectFailed", message)
        raise ImageError("InvalidImageName", message, LONGEST_BACKOFF) from None


def _never(reference: str, on_event: OnEvent) -> ImageError:
    message = f'Container image "{reference}" is not present with pull policy of Never'
    on_event("Warning", "ErrImageNeverPull", message)
    return ImageError("ErrImageNeverPull", message, FIRST_BACKOFF)


def duration(seconds: float) -> str:
    """As Go prints a duration cut to milliseconds: `532ms`, `1.2s`, `2m0.5s`."""
    milliseconds = int(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    text = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes}m{text}" if minutes else text
