"""Images for containers: what the pull policy says about each, and what the pod is told about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from agent.image_name import with_tag
from agent.pull_backoff import LONGEST, PullBackoff
from agent.puller import Puller, Wanted
from agent.runtime.base import (
    EngineUnreachable,
    Image,
    NoSuchImage,
    RegistryAuth,
    RegistryUnavailable,
    Runtime,
    RuntimeFailure,
)
from orchestrator.api import times
from orchestrator.util.clock import Clock

#: Looks at images at one time: more only wait for each other in the engine.
_LOOKS = 8
#: Seconds after which to ask again for what cannot change by itself.
_LATER = 10.0
#: After a failed pull, when to ask again: the answer is then ImagePullBackOff, which says why nothing happens.
_SOON = 2.0

#: (type, reason, message) of an event on the pod.
OnEvent = Callable[[str, str, str], None]
#: Told of each image that a container is to be made from.
OnUse = Callable[[Image], None]


class ImageError(Exception):
    """There is no image (yet). `reason` is the container's waiting reason, `retry_after` in seconds from now."""

    def __init__(self, reason: str, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class ImageManager:
    def __init__(self, runtime: Runtime, puller: Puller, clock: Clock, on_use: OnUse = lambda _image: None) -> None:
        self._runtime, self._puller, self._clock = runtime, puller, clock
        self._on_use = on_use
        self._backoff = PullBackoff(clock)
        self._looks = threading.Semaphore(_LOOKS)

    def ensure(
        self, reference: str, policy: str, auths: Sequence[RegistryAuth], on_event: OnEvent, pod: str = ""
    ) -> Image:
        """The image of a container, on the engine; may take as long as a pull.

        `policy` is the imagePullPolicy; `auths` are the pod's own credentials, tried in turn before the machine's.
        Each `pod` (its uid) waits for its own failures alone. Raises ImageError, and EngineUnreachable.
        """
        try:
            image = self._ensure(reference, policy, tuple(auths), on_event, pod)
        except ImageError as error:
            on_event("Warning", "Failed", f"Error: {error.reason}")
            raise
        self._on_use(image)
        return image

    def _ensure(
        self, reference: str, policy: str, auths: tuple[RegistryAuth, ...], on_event: OnEvent, pod: str
    ) -> Image:
        wanted = Wanted(_checked(reference, on_event), auths)
        present = None if policy == "Always" else self._present(wanted.reference, reference, on_event)
        if present is not None:
            on_event("Normal", "Pulled", f'Container image "{reference}" already present on machine')
            return present
        if policy == "Never":
            raise _never(reference, on_event)
        self._heed_backoff((pod, wanted), reference, on_event)
        return self._pull(wanted, reference, on_event, pod)

    def _present(self, full: str, reference: str, on_event: OnEvent) -> Image | None:
        try:
            with self._looks:
                return self._runtime.image(full)
        except NoSuchImage:
            return None
        except EngineUnreachable:
            raise
        except RuntimeFailure as failure:
            message = f'Failed to inspect image "{reference}": {failure}'
            on_event("Warning", "InspectFailed", message)
            raise ImageError("ImageInspectError", message, _LATER) from failure

    def _heed_backoff(self, who: tuple[str, Wanted], reference: str, on_event: OnEvent) -> None:
        left, why = self._backoff.left(who)
        if left > 0:
            sentence = f'Back-off pulling image "{reference}"'
            on_event("Normal", "BackOff", sentence)
            raise ImageError("ImagePullBackOff", f"{sentence}: {why}", left)

    def _pull(self, wanted: Wanted, reference: str, on_event: OnEvent, pod: str) -> Image:
        begun = self._clock.monotonic()
        pull = self._puller.pull(wanted)
        on_event("Normal", "Pulling", f'Pulling image "{reference}"')
        try:
            pulled = pull.result()
        except EngineUnreachable:
            raise
        except RuntimeFailure as failure:
            on_event("Warning", "Failed", f'Failed to pull image "{reference}": {failure}')
            error = _failed(reference, failure)
            self._backoff.failed((pod, wanted), f"{error.reason}: {error}")
            raise error from failure
        self._backoff.succeeded((pod, wanted))
        took, waited = duration(pulled.seconds), duration(self._clock.monotonic() - begun)
        on_event(
            "Normal",
            "Pulled",
            f'Successfully pulled image "{reference}" in {took} ({waited} including waiting). '
            f"Image size: {pulled.image.size} bytes.",
        )
        return pulled.image


def _failed(reference: str, failure: RuntimeFailure) -> ImageError:
    if isinstance(failure, RegistryUnavailable):
        message = f"image pull failed for {reference} because the registry is unavailable: {failure}"
        return ImageError("RegistryUnavailable", message, _SOON)
    return ImageError("ErrImagePull", str(failure), _SOON)


def _checked(reference: str, on_event: OnEvent) -> str:
    try:
        return with_tag(reference)
    except ValueError as error:
        message = f'Failed to apply default image tag "{reference}": couldn\'t parse image name "{reference}": {error}'
        on_event("Warning", "InspectFailed", message)
        raise ImageError("InvalidImageName", message, LONGEST) from None


def _never(reference: str, on_event: OnEvent) -> ImageError:
    message = f'Container image "{reference}" is not present with pull policy of Never'
    on_event("Warning", "ErrImageNeverPull", message)
    return ImageError("ErrImageNeverPull", message, _LATER)


def duration(seconds: float) -> str:
    """As Go prints a duration cut to milliseconds: `532ms`, `1.2s`, `2m0.5s`."""
    milliseconds = int(seconds * 1000)
    return f"{milliseconds}ms" if 0 < milliseconds < 1000 else times.duration(milliseconds / 1000)
