from __future__ import annotations

import pytest

from agent.images import ImageError, ImageManager, duration
from agent.puller import Puller
from agent.runtime.base import EngineUnreachable, Image, RegistryAuth, RegistryUnavailable, RuntimeFailure
from agent.runtime.fake import FakeRuntime
from orchestrator.util.clock import FakeClock

Events = list[tuple[str, str, str]]


def make_manager(runtime: FakeRuntime, clock: FakeClock) -> ImageManager:
    return ImageManager(runtime, Puller(runtime, clock, lambda *_: None), clock)


class Bench:
    def __init__(self, clock: FakeClock, runtime: FakeRuntime | None = None) -> None:
        self.clock = clock
        self.runtime = runtime or FakeRuntime(clock)
        self.manager = make_manager(self.runtime, clock)
        self.events: Events = []

    def ensure(
        self, reference: str = "nginx:1", policy: str = "IfNotPresent", *auths: RegistryAuth, pod: str = "u1"
    ) -> str:
        self.events.clear()
        return self.manager.ensure(reference, policy, auths, lambda *event: self.events.append(event), pod).id

    def refused(self, reference: str = "nginx:1", policy: str = "IfNotPresent", pod: str = "u1") -> ImageError:
        with pytest.raises(ImageError) as error:
            self.ensure(reference, policy, pod=pod)
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


def test_a_new_pod_does_not_wait_for_the_failures_of_others(bench: Bench) -> None:
    """Who has mended the cause and made the pod anew sees it start."""
    bench.runtime.pull_failures["nginx:1"] = "not found"
    bench.refused(pod="old")
    del bench.runtime.pull_failures["nginx:1"]
    bench.ensure(pod="new")
    assert bench.refused("nginx:1", "Always", pod="old").reason == "ImagePullBackOff"


def test_a_registry_that_is_away_has_a_reason_of_its_own(clock: FakeClock) -> None:
    class Away(FakeRuntime):
        def pull(self, *_: object, **__: object) -> None:
            raise RegistryUnavailable("dial tcp: connection refused")

    bench = Bench(clock, Away(clock))
    error = bench.refused()
    assert error.reason == "RegistryUnavailable"
    sentence = "image pull failed for nginx:1 because the registry is unavailable: dial tcp: connection refused"
    assert str(error) == sentence
    assert bench.events[1:] == [
        ("Warning", "Failed", 'Failed to pull image "nginx:1": dial tcp: connection refused'),
        ("Warning", "Failed", "Error: RegistryUnavailable"),
    ]
    assert str(bench.refused()) == f'Back-off pulling image "nginx:1": RegistryUnavailable: {sentence}'


def test_an_image_that_cannot_be_inspected(clock: FakeClock) -> None:
    class Broken(FakeRuntime):
        def image(self, reference: str) -> Image:
            raise RuntimeFailure("input/output error")

    bench = Bench(clock, Broken(clock))
    error = bench.refused()
    sentence = 'Failed to inspect image "nginx:1": input/output error'
    assert (error.reason, str(error)) == ("ImageInspectError", sentence)
    assert bench.events == [
        ("Warning", "InspectFailed", sentence),
        ("Warning", "Failed", "Error: ImageInspectError"),
    ]


def test_images_are_known_to_be_used(clock: FakeClock) -> None:
    runtime, used = FakeRuntime(clock), []
    manager = ImageManager(runtime, Puller(runtime, clock, lambda *_: None), clock, lambda image: used.append(image.id))
    for policy in ("IfNotPresent", "Never", "Always"):
        manager.ensure("nginx:1", policy, (), lambda *_: None)
    assert used == [runtime.image("nginx:1").id] * 3


def test_an_engine_that_is_away_is_no_failed_pull(bench: Bench) -> None:
    bench.runtime.break_off()
    with pytest.raises(EngineUnreachable):
        bench.ensure("nginx:1", "Always")
    bench.runtime.unreachable = False
    bench.ensure("nginx:1", "Always")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.0004, "0s"), (0.5329, "532ms"), (1.2, "1.2s"), (3, "3s"), (60, "1m0s"), (125.25, "2m5.25s")],
)
def test_durations_read_as_in_go(seconds: float, text: str) -> None:
    assert duration(seconds) == text
