from __future__ import annotations

import threading

import pytest

from agent.images import ImageError, ImageManager, duration
from agent.runtime.base import EngineUnreachable, PullFailed, RegistryAuth
from agent.runtime.fake import FakeRuntime
from orchestrator.util.clock import FakeClock

Events = list[tuple[str, str, str]]


class Bench:
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.runtime = FakeRuntime(clock)
        self.manager = ImageManager(self.runtime, clock)
        self.events: Events = []

    def ensure(self, reference: str = "nginx:1", policy: str = "IfNotPresent", *auths: RegistryAuth) -> str:
        self.events.clear()
        return self.manager.ensure(reference, policy, auths, lambda *event: self.events.append(event)).id

    def refused(self, reference: str = "nginx:1", policy: str = "IfNotPresent") -> ImageError:
        with pytest.raises(ImageError) as error:
            self.ensure(reference, policy)
        return error.value


@pytest.fixture
def bench(clock: FakeClock) -> Bench:
    return Bench(clock)


def test_a_missing_image_is_pulled(bench: Bench) -> None:
    assert bench.ensure("nginx:1") == bench.runtime.image("nginx:1").id
    assert bench.runtime.pulled == ["nginx:1"]
    assert bench.events == [
        ("Normal", "Pulling", 'Pulling image "nginx:1"'),
        (
            "Normal",
            "Pulled",
            'Successfully pulled image "nginx:1" in 0s (0s including waiting). Image size: 1048576 bytes.',
        ),
    ]


def test_a_present_image_is_taken(bench: Bench) -> None:
    bench.runtime.add_image("nginx:1")
    bench.ensure("nginx:1")
    assert bench.runtime.pulled == []
    assert bench.events == [("Normal", "Pulled", 'Container image "nginx:1" already present on machine')]


def test_always_pulls_a_present_image(bench: Bench) -> None:
    bench.runtime.add_image("nginx:1")
    bench.ensure("nginx:1", "Always")
    assert bench.runtime.pulled == ["nginx:1"]


def test_never_pulls_a_missing_image(bench: Bench) -> None:
    error = bench.refused(policy="Never")
    assert error.reason == "ErrImageNeverPull"
    assert bench.runtime.pulled == []
    sentence = 'Container image "nginx:1" is not present with pull policy of Never'
    assert str(error) == sentence
    assert bench.events == [
        ("Warning", "ErrImageNeverPull", sentence),
        ("Warning", "Failed", "Error: ErrImageNeverPull"),
    ]


def test_the_default_tag(bench: Bench) -> None:
    bench.ensure("nginx")
    assert bench.runtime.pulled == ["nginx:latest"]


def test_an_invalid_name(bench: Bench) -> None:
    error = bench.refused("Nginx:1")
    assert error.reason == "InvalidImageName"
    assert 'couldn\'t parse image name "Nginx:1": invalid reference format: repository name must be lowercase' in str(
        error
    )
    assert [reason for _, reason, _ in bench.events] == ["InspectFailed", "Failed"]


def test_a_failed_pull(bench: Bench) -> None:
    bench.runtime.pull_failures["nginx:1"] = "no route"
    error = bench.refused()
    assert (error.reason, str(error)) == ("ErrImagePull", "no route")
    assert bench.events == [
        ("Normal", "Pulling", 'Pulling image "nginx:1"'),
        ("Warning", "Failed", 'Failed to pull image "nginx:1": no route'),
        ("Warning", "Failed", "Error: ErrImagePull"),
    ]


def test_pulls_back_off(bench: Bench) -> None:
    bench.runtime.pull_failures["nginx:1"] = "no route"
    for delay in (10, 20, 40, 80, 160, 300, 300):
        assert bench.refused().reason == "ErrImagePull"
        attempts = len(bench.runtime.pulled)
        bench.clock.advance(1)
        waiting = bench.refused()
        assert waiting.reason == "ImagePullBackOff"
        assert waiting.retry_after == pytest.approx(delay - 1)
        assert len(bench.runtime.pulled) == attempts
        bench.clock.advance(delay - 1)
    assert bench.events[-1] == ("Warning", "Failed", "Error: ImagePullBackOff")
    assert str(waiting) == 'Back-off pulling image "nginx:1": ErrImagePull: no route'
    assert bench.events[0] == ("Normal", "BackOff", 'Back-off pulling image "nginx:1"')


def test_a_success_ends_the_backing_off(bench: Bench) -> None:
    bench.runtime.pull_failures["nginx:1"] = "no route"
    bench.refused()
    bench.clock.advance(10)
    bench.refused()
    del bench.runtime.pull_failures["nginx:1"]
    bench.clock.advance(20)
    bench.ensure(policy="Always")
    bench.runtime.pull_failures["nginx:1"] = "no route"
    bench.refused(policy="Always")
    bench.clock.advance(10)
    assert bench.refused(policy="Always").reason == "ErrImagePull"


def test_other_images_do_not_wait(bench: Bench) -> None:
    bench.runtime.pull_failures["nginx:1"] = "no route"
    bench.refused()
    bench.ensure("nginx:2")


def test_other_credentials_do_not_wait(bench: Bench) -> None:
    bench.runtime.pull_failures["nginx:1"] = "denied"
    bench.refused()
    del bench.runtime.pull_failures["nginx:1"]
    bench.ensure("nginx:1", "IfNotPresent", RegistryAuth("me", "secret"))


def test_an_image_that_appears_needs_no_pull_and_no_waiting(bench: Bench) -> None:
    bench.runtime.pull_failures["nginx:1"] = "no route"
    bench.refused()
    bench.runtime.add_image("nginx:1")
    bench.ensure("nginx:1")


def test_credentials_are_tried_in_turn(clock: FakeClock) -> None:
    class Guarded(FakeRuntime):
        def pull(self, reference: str, auth: RegistryAuth | None = None, progress: object = None) -> None:
            if auth != RegistryAuth("me", "right"):
                raise PullFailed("denied")
            super().pull(reference, auth)

    manager = ImageManager(Guarded(clock), clock)
    wrong, right = RegistryAuth("me", "wrong"), RegistryAuth("me", "right")
    assert manager.ensure("nginx:1", "Always", [wrong, right], lambda *_: None)
    with pytest.raises(ImageError, match="denied"):
        manager.ensure("nginx:1", "Always", [wrong], lambda *_: None)


def test_an_engine_that_is_away_is_no_failed_pull(bench: Bench) -> None:
    bench.runtime.break_off()
    with pytest.raises(EngineUnreachable):
        bench.ensure("nginx:1", "Always")
    bench.runtime.unreachable = False
    bench.ensure("nginx:1", "Always")


def test_who_comes_during_a_pull_waits_for_it(clock: FakeClock) -> None:
    begun, go_on = threading.Event(), threading.Event()

    class Slow(FakeRuntime):
        def pull(self, reference: str, auth: RegistryAuth | None = None, progress: object = None) -> None:
            begun.set()
            assert go_on.wait(10)
            super().pull(reference, auth)

    runtime = Slow(clock)
    manager = ImageManager(runtime, clock)
    waiting, found = threading.Semaphore(0), []

    def ensure() -> None:
        found.append(manager.ensure("nginx:1", "Always", (), lambda *_: waiting.release()))

    threads = [threading.Thread(target=ensure) for _ in range(5)]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    for _ in threads:
        # Each has said "Pulling", so each has found the pull that runs.
        assert waiting.acquire(timeout=10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert runtime.pulled == ["nginx:1"]
    assert len(found) == 5 and len(set(found)) == 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.0004, "0s"), (0.5329, "532ms"), (1.2, "1.2s"), (3, "3s"), (60, "1m0s"), (125.25, "2m5.25s")],
)
def test_durations_read_as_in_go(seconds: float, text: str) -> None:
    assert duration(seconds) == text
