from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest

from agent.puller import Pulled, Puller, Wanted
from agent.runtime.base import (
    CredentialsFailed,
    EngineUnreachable,
    Image,
    Progress,
    PullFailed,
    RegistryAuth,
    RegistryUnavailable,
)
from agent.runtime.fake import FakeRuntime
from orchestrator.util.clock import FakeClock

WAIT = 10.0
ME, OTHER = RegistryAuth("me", "right"), RegistryAuth("other", "wrong")


class Gated(FakeRuntime):
    """Pulls wait at a gate; `begun` says which arrived there."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.gate = threading.Event()
        self.begun: list[str] = []
        self.arrived = threading.Semaphore(0)

    def pull(
        self,
        reference: str,
        auth: RegistryAuth | None = None,
        progress: Progress | None = None,
        platform: str = "",
    ) -> None:
        self.begun.append(reference)
        self.arrived.release()
        assert self.gate.wait(WAIT)
        super().pull(reference, auth, progress, platform)


class Guarded(FakeRuntime):
    """Only `ME` may pull. `tried` are the logins, `platforms` what was asked for."""

    def __init__(self, clock: FakeClock, problem: str = "") -> None:
        super().__init__(clock)
        self.problem = problem
        self.tried: list[RegistryAuth | None] = []
        self.platforms: list[str] = []

    def machine_auth(self, reference: str) -> RegistryAuth | None:
        if self.problem:
            raise CredentialsFailed(self.problem)
        return super().machine_auth(reference)

    def pull(
        self,
        reference: str,
        auth: RegistryAuth | None = None,
        progress: Progress | None = None,
        platform: str = "",
    ) -> None:
        self.tried.append(auth)
        self.platforms.append(platform)
        if auth != ME:
            raise PullFailed("denied")
        super().pull(reference, auth, progress, platform)


def puller(runtime: FakeRuntime, clock: FakeClock, limit: int = 0, platform: str = "") -> Puller:
    return Puller(runtime, clock, lambda *_: None, limit, platform)


def test_who_comes_during_a_pull_waits_for_it(clock: FakeClock) -> None:
    runtime = Gated(clock)
    pulls = puller(runtime, clock)
    asked = [pulls.pull(Wanted("nginx:1")) for _ in range(100)]
    runtime.gate.set()
    assert len({pull.result(WAIT).image.id for pull in asked}) == 1
    assert runtime.begun == ["nginx:1"]
    assert pulls.pull(Wanted("nginx:1")).result(WAIT)
    assert runtime.begun == ["nginx:1"] * 2, "a pull that is over must not be joined"


def test_other_credentials_are_another_pull(clock: FakeClock) -> None:
    runtime = Gated(clock)
    runtime.gate.set()
    pulls = puller(runtime, clock)
    for pull in [pulls.pull(Wanted("nginx:1", auths)) for auths in ((), (ME,))]:
        pull.result(WAIT)
    assert runtime.begun == ["nginx:1"] * 2


@pytest.mark.parametrize("limit", [1, 2])
def test_no_more_than_the_limit_at_one_time_and_in_order(clock: FakeClock, limit: int) -> None:
    runtime = Gated(clock)
    pulls = puller(runtime, clock, limit)
    images = [f"nginx:{number}" for number in range(6)]
    asked = [pulls.pull(Wanted(image)) for image in images]
    for _ in range(limit):
        assert runtime.arrived.acquire(timeout=WAIT)
    assert sorted(runtime.begun) == images[:limit], "more pulls than the limit, or the wrong ones"
    runtime.gate.set()
    for pull in asked:
        pull.result(WAIT)
    assert sorted(runtime.begun) == images
    assert limit > 1 or runtime.begun == images


def test_a_pull_that_hangs_makes_no_other_wait(clock: FakeClock) -> None:
    runtime = Gated(clock)
    pulls = puller(runtime, clock)
    hung = [pulls.pull(Wanted(f"hung:{number}")) for number in range(100)]
    for _ in hung:
        assert runtime.arrived.acquire(timeout=WAIT), "a pull waits for one that hangs"
    runtime.gate.set()
    assert all(pull.result(WAIT) for pull in hung)


def test_waiting_for_ones_turn_is_not_pulling(clock: FakeClock) -> None:
    class Slow(FakeRuntime):
        def pull(self, *arguments: object, **_: object) -> None:
            clock.advance(5)
            self.add_image(str(arguments[0]))

    runtime = Slow(clock)
    pulls = puller(runtime, clock, 1)
    asked = [pulls.pull(Wanted(image)) for image in ("a:1", "b:1")]
    assert [pull.result(WAIT).seconds for pull in asked] == [5, 5]


@pytest.mark.parametrize(
    ("of_the_pod", "of_the_machine", "tried"),
    [
        ((), None, [None]),
        ((ME,), None, [ME]),
        ((OTHER, ME), None, [OTHER, ME]),
        ((OTHER,), ME, [OTHER, ME]),
        ((), ME, [ME]),
        ((ME,), OTHER, [ME]),
        ((OTHER,), None, [OTHER]),  # Not anonymously: the login that was given is wrong, and the user is to know.
    ],
)
def test_which_credentials_are_tried(
    clock: FakeClock,
    of_the_pod: tuple[RegistryAuth, ...],
    of_the_machine: RegistryAuth | None,
    tried: list[RegistryAuth | None],
) -> None:
    runtime = Guarded(clock)
    if of_the_machine:
        runtime.logins["docker.io"] = of_the_machine
    pull = puller(runtime, clock).pull(Wanted("nginx:1", of_the_pod))
    if tried[-1] == ME:
        pull.result(WAIT)
    else:
        with pytest.raises(PullFailed, match="denied"):
            pull.result(WAIT)
    assert runtime.tried == tried


def test_a_broken_login_of_the_machine_does_not_keep_public_images_away(clock: FakeClock) -> None:
    runtime = Guarded(clock, problem="docker-credential-x cannot be run")
    with pytest.raises(PullFailed, match=r"denied \(tried without this machine's login: docker-credential-x cannot"):
        puller(runtime, clock).pull(Wanted("nginx:1")).result(WAIT)
    puller(runtime, clock).pull(Wanted("nginx:1", (ME,))).result(WAIT)
    assert runtime.tried == [None, ME]


def test_a_broken_login_does_not_hide_what_kind_of_failure_it_is(clock: FakeClock) -> None:
    class Away(Guarded):
        def pull(self, *_: object, **__: object) -> None:
            raise RegistryUnavailable("connection refused")

    with pytest.raises(RegistryUnavailable):
        puller(Away(clock, problem="no such program"), clock).pull(Wanted("nginx:1")).result(WAIT)


def test_the_platform_is_passed_on(clock: FakeClock) -> None:
    runtime = Guarded(clock)
    puller(runtime, clock, platform="linux/arm64").pull(Wanted("nginx:1", (ME,))).result(WAIT)
    assert runtime.platforms == ["linux/arm64"]


def test_what_a_pull_brought_is_told(clock: FakeClock) -> None:
    runtime, told = FakeRuntime(clock), []
    pulls = Puller(runtime, clock, lambda *brought: told.append(brought))
    old = runtime.add_image("busybox:1")
    pulls.pull(Wanted("nginx:1")).result(WAIT)
    pulls.pull(Wanted("busybox:1")).result(WAIT)
    assert told == [("nginx:1", None, runtime.image("nginx:1")), ("busybox:1", old, runtime.image("busybox:1"))]


def test_an_engine_that_is_away_ends_the_waiting(clock: FakeClock) -> None:
    runtime = FakeRuntime(clock)
    runtime.break_off()
    with pytest.raises(EngineUnreachable):
        puller(runtime, clock).pull(Wanted("nginx:1")).result(WAIT)


def test_a_defect_ends_the_waiting_too(clock: FakeClock) -> None:
    class Defective(FakeRuntime):
        def pull(self, *_: object, **__: object) -> None:
            raise KeyError("status")

    pulls = puller(Defective(clock), clock)
    outcomes: list[Future[Pulled]] = [pulls.pull(Wanted("nginx:1")) for _ in range(2)]
    for outcome in outcomes:
        with pytest.raises(KeyError):
            outcome.result(WAIT)


def test_a_long_pull_says_in_the_log_how_far_it_is(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    class Long(FakeRuntime):
        def pull(
            self,
            reference: str,
            auth: RegistryAuth | None = None,
            progress: Progress | None = None,
            platform: str = "",
        ) -> None:
            assert progress is not None
            self.move(progress)
            self.add_image(reference)

        def move(self, progress: Callable[[str, int, int], None]) -> None:
            for second in range(25):
                progress("a", second * 1_000_000, 40_000_000)
                progress("b", 500_000, 2_000_000)
                clock.advance(1)

    with caplog.at_level(logging.INFO):
        image: Image = puller(Long(clock), clock).pull(Wanted("nginx:1")).result(WAIT).image
    assert image
    said = [record.getMessage() for record in caplog.records if "MB" in record.getMessage()]
    assert said == [
        "nginx:1: pulling, 10.5 of at least 42.0 MB are here",
        "nginx:1: pulling, 20.5 of at least 42.0 MB are here",
    ]
