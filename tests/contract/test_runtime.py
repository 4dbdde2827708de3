"""What every runtime must do: one suite over the fake and over Docker Engine."""

from __future__ import annotations

import io
import subprocess
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import pytest

from agent.runtime.base import (
    STDERR,
    STDOUT,
    ContainerSpec,
    EngineUnreachable,
    LogLimits,
    NameInUse,
    NoSuchContainer,
    NoSuchImage,
    Process,
    PullFailed,
    Resources,
    Runtime,
    RuntimeFailure,
    Stream,
)
from agent.runtime.docker import DockerRuntime
from agent.runtime.fake import FakeRuntime
from orchestrator.util.clock import SystemClock
from orchestrator.util.link import wait
from tests.fakes import images

T = TypeVar("T")

IMPORTED = "podlab/test-import:1"
UNKNOWN_IMAGE = "localhost:1/podlab/unknown:1"


class Script(Protocol):
    """A command that writes lines, then ends with `exit`, or runs on; `stubborn` does not heed the stop signal."""

    def __call__(self, *lines: str, exit: int | None = None, stubborn: bool = False) -> Sequence[str]: ...


def fake_script(*lines: str, exit: int | None = None, stubborn: bool = False) -> Sequence[str]:
    ending = ["stubborn"] if stubborn else [] if exit is None else [f"exit:{exit}"]
    return [*(f"print:{line}" for line in lines), *ending]


def shell_script(*lines: str, exit: int | None = None, stubborn: bool = False) -> Sequence[str]:
    ending = "sleep 600 & wait" if exit is None else f"exit {exit}"
    trap = "trap '' TERM" if stubborn else "trap 'exit 143' TERM"
    return ["sh", "-c", "; ".join([trap, *(f"echo {line}" for line in lines), ending])]


@dataclass
class Bench:
    """A runtime, a label of this test's own, and how to make containers do things."""

    runtime: Runtime
    image: str
    script: Script
    unreachable: Callable[[], Runtime]
    label: str
    #: A command that writes so many bytes to the container's file system.
    fill: Callable[[int], Sequence[str]]

    @property
    def labels(self) -> dict[str, str]:
        return {"podlab.test": self.label}

    def spec(self, name: str, command: Sequence[str]) -> ContainerSpec:
        """Without a network, which is what costs most."""
        full = f"podlab-test-{self.label}-{name}"
        return ContainerSpec(full, self.image, self.labels, command=command, network="none")

    def run(
        self, *lines: str, name: str = "a", exit: int | None = None, stubborn: bool = False, network: str = "none"
    ) -> str:
        spec = self.spec(name, self.script(*lines, exit=exit, stubborn=stubborn))
        id = self.runtime.create(replace(spec, network=network))
        self.runtime.start(id)
        return id

    def wait_exited(self, id: str) -> None:
        eventually(lambda: self.runtime.inspect(id).state == "exited")


def eventually(holds: Callable[[], object], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def fake_bench(label: str) -> Bench:
    runtime = FakeRuntime(SystemClock())
    runtime.add_image("busybox:1")
    runtime.pull_failures[UNKNOWN_IMAGE] = "not known"

    def unreachable() -> Runtime:
        runtime.break_off()
        return runtime

    return Bench(runtime, "busybox:1", fake_script, unreachable, label, lambda size: [f"fill:{size}"])


def docker_bench(label: str, engine: str) -> Bench:
    runtime = DockerRuntime(engine)
    return Bench(
        runtime,
        images.busybox(runtime),
        shell_script,
        lambda: DockerRuntime("unix:///nonexistent/engine.sock"),
        label,
        lambda size: ["sh", "-c", f"head -c {size} /dev/urandom > /filled"],
    )


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.engine)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    label = uuid.uuid4().hex[:12]
    if request.param == "fake":
        yield fake_bench(label)
        return
    made = docker_bench(label, request.getfixturevalue("engine"))
    yield made
    for state in made.runtime.list(made.labels):
        made.runtime.remove(state.id)
    subprocess.run(["docker", "rmi", IMPORTED], capture_output=True)


def collect(stream: Stream[T], until: Callable[[T], bool]) -> list[T]:
    found: list[T] = []
    for item in stream:
        found.append(item)
        if until(item):
            stream.close()
    return found


# A container's life


def test_a_created_container_has_not_started(bench: Bench) -> None:
    before = time.time()
    id = bench.runtime.create(bench.spec("a", bench.script()))
    state = bench.runtime.inspect(id)
    assert (state.id, state.state, state.labels) == (id, "created", bench.labels)
    assert state.name == f"podlab-test-{bench.label}-a"
    assert (state.started_at, state.finished_at) == (0.0, 0.0)
    assert before - 5 < state.created_at < time.time() + 5


def test_a_started_container_runs(bench: Bench) -> None:
    id = bench.run(network="")
    state = bench.runtime.inspect(id)
    assert (state.state, state.exit_code) == ("running", 0)
    assert state.image == bench.image
    assert state.image_id == bench.runtime.image(bench.image).id
    assert state.started_at >= state.created_at
    assert state.ip and state.pid


def test_what_a_container_writes_is_counted(bench: Bench) -> None:
    id = bench.run("a line")
    before = bench.runtime.disk_usage(id)
    assert bench.runtime.exec(id, bench.fill(1 << 20), 20).exit_code == 0
    after = bench.runtime.disk_usage(id)
    assert (1 << 20) <= after.layer - before.layer < (2 << 20)
    eventually(lambda: bench.runtime.disk_usage(id).log > 0)
    bench.runtime.stop(id, 0)
    assert bench.runtime.disk_usage(id).layer >= after.layer
    bench.runtime.remove(id)
    with pytest.raises(NoSuchContainer):
        bench.runtime.disk_usage(id)


def test_what_a_container_uses_is_told_in_detail(bench: Bench) -> None:
    details = bench.runtime.stats(bench.run()).details
    assert details is not None
    assert details.memory_usage > 0 and details.processes


def test_starting_a_running_container_changes_nothing(bench: Bench) -> None:
    id = bench.run()
    started = bench.runtime.inspect(id).started_at
    bench.runtime.start(id)
    assert bench.runtime.inspect(id).started_at == started


def test_the_exit_code_is_kept(bench: Bench) -> None:
    id = bench.run(exit=3)
    bench.wait_exited(id)
    state = bench.runtime.inspect(id)
    assert (state.exit_code, state.oom_killed, state.ip, state.pid) == (3, False, "", 0)
    assert state.started_at > 0
    # The engine notes the two in different places: an end may be a moment earlier than its start.
    assert state.finished_at > state.started_at - 0.1


def test_stop_lets_the_container_end(bench: Bench) -> None:
    id = bench.run()
    begun = time.monotonic()
    bench.runtime.stop(id, 30)
    assert bench.runtime.inspect(id).state == "exited"
    assert time.monotonic() - begun < 10


def test_stop_kills_after_the_grace(bench: Bench) -> None:
    id = bench.run("trapped", stubborn=True)
    eventually(lambda: b"".join(bench.runtime.logs(id)))
    begun = time.monotonic()
    bench.runtime.stop(id, 1)
    assert bench.runtime.inspect(id).exit_code == 137
    assert time.monotonic() - begun > 0.9


def test_kill_ends_a_stubborn_container(bench: Bench) -> None:
    id = bench.run(stubborn=True)
    bench.runtime.kill(id)
    bench.wait_exited(id)
    assert bench.runtime.inspect(id).exit_code == 137


def test_an_exited_container_can_start_again(bench: Bench) -> None:
    id = bench.run(exit=1)
    bench.wait_exited(id)
    first = bench.runtime.inspect(id).started_at
    bench.runtime.start(id)
    eventually(lambda: bench.runtime.list(bench.labels)[0].started_at > first)


def test_remove_takes_a_running_container(bench: Bench) -> None:
    id = bench.run()
    bench.runtime.remove(id)
    assert bench.runtime.list(bench.labels) == []
    with pytest.raises(NoSuchContainer):
        bench.runtime.inspect(id)


def test_what_is_gone_is_stopped_killed_and_removed(bench: Bench) -> None:
    id = bench.run(exit=0)
    bench.wait_exited(id)
    bench.runtime.stop(id, 1)
    bench.runtime.kill(id)
    bench.runtime.remove(id)
    bench.runtime.stop(id, 1)
    bench.runtime.kill(id)
    bench.runtime.remove(id)


def test_starting_what_is_gone_is_an_error(bench: Bench) -> None:
    with pytest.raises(NoSuchContainer):
        bench.runtime.start("0" * 64)


def test_a_name_is_taken_once(bench: Bench) -> None:
    id = bench.runtime.create(bench.spec("a", bench.script()))
    with pytest.raises(NameInUse) as refusal:
        bench.runtime.create(bench.spec("a", bench.script()))
    assert refusal.value.id == id


def test_a_container_needs_its_image(bench: Bench) -> None:
    with pytest.raises(NoSuchImage):
        bench.runtime.create(replace(bench.spec("a", ()), image=UNKNOWN_IMAGE))


# A pod


def test_a_container_joins_its_sandbox(bench: Bench) -> None:
    pause = bench.runtime.ensure_pause_image()
    sandbox = bench.runtime.create(
        replace(bench.spec("pod", ()), command=None, image=pause, network="", ipc="shareable")
    )
    bench.runtime.start(sandbox)
    joined = f"container:{sandbox}"
    app = bench.runtime.create(replace(bench.spec("app", bench.script()), network=joined, ipc=joined))
    bench.runtime.start(app)
    assert bench.runtime.inspect(sandbox).ip
    assert not bench.runtime.inspect(app).ip


def test_a_container_cannot_join_a_dead_sandbox(bench: Bench) -> None:
    sandbox = bench.run(name="pod", exit=0)
    bench.wait_exited(sandbox)
    app = bench.runtime.create(replace(bench.spec("app", bench.script()), network=f"container:{sandbox}"))
    with pytest.raises(RuntimeFailure) as failure:
        bench.runtime.start(app)
    assert not isinstance(failure.value, NoSuchContainer)


def test_the_pause_image_is_made_once(bench: Bench) -> None:
    reference = bench.runtime.ensure_pause_image()
    made = bench.runtime.image(reference)
    assert bench.runtime.ensure_pause_image() == reference
    assert bench.runtime.image(reference) == made


# Lists and events


def test_the_list_has_those_with_all_labels(bench: Bench) -> None:
    one = bench.runtime.create(replace(bench.spec("a", ()), labels={**bench.labels, "podlab.pod": "one"}))
    two = bench.runtime.create(replace(bench.spec("b", ()), labels={**bench.labels, "podlab.pod": "two"}))
    assert {state.id for state in bench.runtime.list(bench.labels)} == {one, two}
    assert [state.id for state in bench.runtime.list({**bench.labels, "podlab.pod": "one"})] == [one]


def test_the_list_agrees_with_inspect(bench: Bench) -> None:
    bench.runtime.create(bench.spec("created", bench.script()))
    bench.run(name="running")
    bench.wait_exited(bench.run(name="exited", exit=2))
    for _ in range(2):
        for state in bench.runtime.list(bench.labels):
            assert state == bench.runtime.inspect(state.id)


def test_events_tell_a_life_in_order(bench: Bench) -> None:
    stream = bench.runtime.events(bench.labels, time.time())
    id = bench.run(exit=1)
    bench.wait_exited(id)
    bench.runtime.remove(id)
    events = collect(stream, lambda event: event.action == "destroy")
    assert [event.action for event in events] == ["create", "start", "die", "destroy"]
    assert {event.id for event in events} == {id}
    assert all(event.labels == bench.labels for event in events)
    assert all(abs(event.at - time.time()) < 60 for event in events)


def test_events_since_a_moment_include_the_past(bench: Bench) -> None:
    since = time.time()
    id = bench.run(exit=0)
    bench.wait_exited(id)
    events = collect(bench.runtime.events(bench.labels, since), lambda event: event.action == "die")
    assert [event.action for event in events] == ["create", "start", "die"]


def test_closing_ends_a_waiting_stream_of_events(bench: Bench) -> None:
    stream = bench.runtime.events(bench.labels, time.time())
    assert ends_when_closed(stream) == []


def ends_when_closed(stream: Stream[T]) -> list[T]:
    """What a reader in another thread gets of a stream that is closed while it waits."""
    found: list[T] = []
    reader = threading.Thread(target=lambda: found.extend(stream), daemon=True)
    reader.start()
    stream.close()
    reader.join(5)
    assert not reader.is_alive()
    return found


# Output and exec


def test_logs_are_what_was_written(bench: Bench) -> None:
    id = bench.run("one", "two", exit=0)
    bench.wait_exited(id)
    assert b"".join(bench.runtime.logs(id)) == b"one\ntwo\n"
    assert b"".join(bench.runtime.logs(id, tail=1)) == b"two\n"
    assert b"".join(bench.runtime.logs(id, tail=0)) == b""
    assert b"".join(bench.runtime.logs(id, since=time.time() + 60)) == b""
    assert b"".join(bench.runtime.logs(id, stdout=False)) == b""


def test_logs_have_timestamps_on_demand(bench: Bench) -> None:
    id = bench.run("one", exit=0)
    bench.wait_exited(id)
    stamp, _, text = b"".join(bench.runtime.logs(id, timestamps=True)).partition(b" ")
    assert text == b"one\n"
    assert stamp.startswith(b"20") and stamp.endswith(b"Z") and b"T" in stamp


def test_following_ends_with_the_container(bench: Bench) -> None:
    id = bench.run("one")
    stream = bench.runtime.logs(id, follow=True)
    assert next(stream) == b"one\n"
    bench.runtime.stop(id, 5)
    assert list(stream) == []


def test_closing_ends_a_waiting_follow(bench: Bench) -> None:
    id = bench.run("one")
    stream = bench.runtime.logs(id, follow=True)
    assert next(stream) == b"one\n"
    assert ends_when_closed(stream) == []


def test_logs_of_what_is_gone(bench: Bench) -> None:
    with pytest.raises(NoSuchContainer):
        bench.runtime.logs("0" * 64)


def test_exec_gives_code_and_output(bench: Bench) -> None:
    id = bench.run()
    result = bench.runtime.exec(id, bench.script("hello", exit=4), 10)
    assert (result.exit_code, result.output) == (4, b"hello\n")


def test_exec_in_what_does_not_run(bench: Bench) -> None:
    id = bench.run(exit=0)
    bench.wait_exited(id)
    with pytest.raises(RuntimeFailure):
        bench.runtime.exec(id, bench.script(exit=0), 10)
    with pytest.raises(NoSuchContainer):
        bench.runtime.exec("0" * 64, bench.script(exit=0), 10)


def test_exec_ends_at_its_timeout(bench: Bench) -> None:
    id = bench.run()
    command = ["hang"] if isinstance(bench.runtime, FakeRuntime) else ["sh", "-c", "echo; sleep 600"]
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        bench.runtime.exec(id, command, 0.5)
    assert 0.4 < time.monotonic() - begun < 5


def echo(bench: Bench, *, error: str = "", exit: int = 0) -> Sequence[str]:
    """A command that gives back its input, says `error` on the other stream, and ends with its input."""
    if isinstance(bench.runtime, FakeRuntime):
        return ["echo", f"error:{error}", *([f"exit:{exit}"] if exit else [])]
    return ["sh", "-c", f"echo {error} >&2; cat; exit {exit}"]


def output(process: Process, seconds: float = 10.0) -> dict[int, bytes]:
    """All that it says to its end, by stream."""
    said = {STDOUT: b"", STDERR: b""}
    deadline = time.monotonic() + seconds
    while not process.link.ended:
        assert time.monotonic() < deadline, f"still runs, having said {said}"
        wait([(process.link, True)], 0.1)
        for stream, data in process.read():
            said[stream] += data
    return said


def test_an_interactive_exec(bench: Bench) -> None:
    process = bench.runtime.exec_stream(bench.run(), echo(bench, error="oh", exit=4), stdin=True, tty=False)
    process.link.write(b"x" * 300_000)
    process.link.finish()
    assert output(process) == {STDOUT: b"x" * 300_000, STDERR: b"oh\n"}
    eventually(lambda: process.exit_code() is not None)
    assert process.exit_code() == 4
    process.close()


def test_an_interactive_exec_without_input(bench: Bench) -> None:
    process = bench.runtime.exec_stream(bench.run(), bench.script("hello", exit=0), stdin=False, tty=False)
    assert output(process) == {STDOUT: b"hello\n", STDERR: b""}
    eventually(lambda: process.exit_code() == 0)
    process.close()


def test_an_interactive_exec_in_a_terminal(bench: Bench) -> None:
    fake = isinstance(bench.runtime, FakeRuntime)
    command = ["echo", "sizes"] if fake else ["sh", "-c", "read line; stty size | tr ' ' x"]
    process = bench.runtime.exec_stream(bench.run(), command, stdin=True, tty=True)
    process.resize(44, 33)
    process.link.write(b"now\n")
    if fake:
        process.link.finish()
    said = output(process)[STDOUT]
    assert (b"44x33" if fake else b"33x44") in said
    process.resize(10, 10)
    process.close()


def test_interactive_commands_need_a_running_container(bench: Bench) -> None:
    id = bench.run(exit=0)
    bench.wait_exited(id)
    with pytest.raises(RuntimeFailure):
        bench.runtime.exec_stream(id, ["sh"], stdin=False, tty=False)
    with pytest.raises(NoSuchContainer):
        bench.runtime.exec_stream("0" * 64, ["sh"], stdin=False, tty=False)
    with pytest.raises(NoSuchContainer):
        bench.runtime.attach("0" * 64, stdin=False, tty=False)


def test_attach(bench: Bench) -> None:
    spec = replace(bench.spec("a", echo(bench)), stdin=True, stdin_once=True)
    id = bench.runtime.create(spec)
    bench.runtime.start(id)
    process = bench.runtime.attach(id, stdin=True, tty=False)
    process.link.write(b"typed\n")
    process.link.finish()
    assert output(process)[STDOUT] == b"typed\n"
    assert process.exit_code() == 0
    process.close()


def test_attach_from_the_start(bench: Bench) -> None:
    command = ["print:early"] if isinstance(bench.runtime, FakeRuntime) else ["sh", "-c", "echo early; cat"]
    id = bench.runtime.create(replace(bench.spec("a", command), stdin=True, stdin_once=True))
    bench.runtime.start(id)
    eventually(lambda: b"early" in b"".join(bench.runtime.logs(id)))
    process = bench.runtime.attach(id, stdin=True, tty=False, replay=True)
    process.link.finish()
    assert output(process)[STDOUT] == b"early\n"
    process.close()


def test_attach_after_the_end(bench: Bench) -> None:
    if isinstance(bench.runtime, FakeRuntime):
        pytest.skip("its containers end only when told")
    id = bench.runtime.create(bench.spec("a", ["sh", "-c", "echo out; echo err >&2"]))
    bench.runtime.start(id)
    bench.wait_exited(id)
    process = bench.runtime.attach(id, stdin=False, tty=False, replay=True)
    assert output(process) == {STDOUT: b"out\n", STDERR: b"err\n"}
    process.close()


def test_stats_of_a_running_container(bench: Bench) -> None:
    id = bench.run()
    first, second = bench.runtime.stats(id), bench.runtime.stats(id)
    assert first.memory_working_set > 0
    assert second.cpu_nanoseconds >= first.cpu_nanoseconds >= 0
    assert second.at >= first.at
    assert abs(first.at - time.time()) < 60


# Images and volumes


def test_an_image_has_its_tag(bench: Bench) -> None:
    image = bench.runtime.image(bench.image)
    assert bench.image in image.tags
    assert image.size > 0
    assert image.id in [other.id for other in bench.runtime.images()]


def test_an_unknown_image(bench: Bench) -> None:
    with pytest.raises(NoSuchImage):
        bench.runtime.image(UNKNOWN_IMAGE)
    with pytest.raises(NoSuchImage):
        bench.runtime.tag(UNKNOWN_IMAGE, "podlab/other:1")
    with pytest.raises(PullFailed):
        bench.runtime.pull(UNKNOWN_IMAGE)


def test_an_imported_image_obeys_its_instructions(bench: Bench) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    bench.runtime.import_image(buffer.getvalue(), IMPORTED, ["USER 1000"])
    assert bench.runtime.image(IMPORTED).user == "1000"


def test_an_images_files_are_given_out_as_a_tar(bench: Bench) -> None:
    tar = b"".join(bench.runtime.export_image(bench.image))
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        assert archive.getnames()


def test_files_of_an_unknown_image(bench: Bench) -> None:
    with pytest.raises(NoSuchImage):
        list(bench.runtime.export_image(UNKNOWN_IMAGE))


def test_a_runtime_of_the_engine_is_named(bench: Bench) -> None:
    spec = bench.spec("a", bench.script(exit=0))
    id = bench.runtime.create(replace(spec, runtime="runc"))
    bench.runtime.start(id)
    bench.wait_exited(id)


def test_an_unknown_runtime_is_refused(bench: Bench) -> None:
    spec = replace(bench.spec("a", bench.script(exit=0)), runtime="no-such-runtime")
    with pytest.raises(RuntimeFailure, match=r"(?i)unknown.* runtime .*no-such-runtime"):
        bench.runtime.start(bench.runtime.create(spec))


def test_images_of_containers_are_in_use_and_stay(bench: Bench) -> None:
    image = bench.runtime.image(bench.image)
    id = bench.runtime.create(bench.spec("a", ()))
    assert image.id in bench.runtime.images_in_use()
    with pytest.raises(RuntimeFailure):
        bench.runtime.remove_image(image.id)
    bench.runtime.remove(id)
    assert bench.runtime.image(bench.image) == image


def test_an_image_goes_with_its_last_name(bench: Bench) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(bench.label))
    bench.runtime.import_image(buffer.getvalue(), IMPORTED)
    image, other = bench.runtime.image(IMPORTED), f"podlab/test-{bench.label}:1"
    bench.runtime.tag(IMPORTED, other)
    assert image.id not in bench.runtime.images_in_use()
    bench.runtime.remove_image(IMPORTED)
    assert bench.runtime.image(other).id == image.id
    bench.runtime.remove_image(other)
    assert image.id not in [left.id for left in bench.runtime.images()]
    bench.runtime.remove_image(other)


def test_the_disk_has_a_size(bench: Bench) -> None:
    disk = bench.runtime.disk()
    assert disk is not None
    assert 0 <= disk.available <= disk.capacity


def test_of_a_long_output_the_end_is_kept(bench: Bench) -> None:
    """Whatever was rotated away: what is read has no holes."""
    lines = [f"line-{number:04d}-{'x' * 80}" for number in range(500)]
    spec = replace(bench.spec("a", bench.script(*lines, exit=0)), logs=LogLimits(size=8192, files=3))
    id = bench.runtime.create(spec)
    bench.runtime.start(id)
    bench.wait_exited(id)
    kept = b"".join(bench.runtime.logs(id)).decode().splitlines()
    assert lines[-len(kept) :] == kept
    assert 8192 < sum(len(line) + 1 for line in kept) <= 3 * 8192
    assert b"".join(bench.runtime.logs(id, tail=100)).decode().splitlines() == lines[-100:]


def test_volumes_come_and_go(bench: Bench) -> None:
    name = f"podlab-test-{bench.label}"
    bench.runtime.ensure_volume(name, bench.labels)
    bench.runtime.ensure_volume(name, bench.labels)
    bench.runtime.remove_volume(name)
    bench.runtime.remove_volume(name)


# An engine that does not answer


def test_nothing_answers_without_an_engine(bench: Bench) -> None:
    gone = bench.unreachable()
    attempts: list[Callable[[], object]] = [
        gone.info,
        lambda: gone.list({}),
        lambda: gone.inspect("a"),
        lambda: gone.create(bench.spec("a", ())),
        lambda: gone.remove("a"),
        lambda: gone.stop("a", 1),
        lambda: gone.events({}, 0.0),
        lambda: gone.logs("a"),
        lambda: gone.exec("a", ["b"], 1),
        lambda: gone.exec_stream("a", ["b"], stdin=False, tty=False),
        lambda: gone.attach("a", stdin=False, tty=False),
        lambda: gone.image("a"),
        lambda: gone.pull("a"),
        lambda: gone.remove_image("a"),
        gone.images_in_use,
        gone.disk,
        gone.ensure_pause_image,
    ]
    for attempt in attempts:
        with pytest.raises(EngineUnreachable):
            attempt()


def test_the_machine_is_described(bench: Bench) -> None:
    info = bench.runtime.info()
    assert info.cpus >= 1
    assert info.memory > 1 << 20
    assert info.architecture in ("amd64", "arm64")
    assert info.gateway.count(".") == 3


@pytest.mark.engine
def test_docker_applies_the_limits(engine: str) -> None:
    bench = docker_bench(uuid.uuid4().hex[:12], engine)
    spec = replace(
        bench.spec("a", ["sh", "-c", "id -u; id -g; cat /proc/self/oom_score_adj; hostname; sleep 600"]),
        user="1234:5678",
        hostname="web-0",
        resources=Resources(cpu_shares=128, cpu_quota=25_000, memory=64 << 20, oom_score_adj=900),
    )
    id = bench.runtime.create(spec)
    try:
        bench.runtime.start(id)
        lines = collect_lines(bench.runtime.logs(id, follow=True), 4)
        assert lines == [b"1234", b"5678", b"900", b"web-0"]
        assert bench.runtime.inspect(id).state == "running"
    finally:
        bench.runtime.remove(id)


def collect_lines(stream: Stream[bytes], count: int) -> list[bytes]:
    text = b""
    for chunk in stream:
        text += chunk
        if text.count(b"\n") >= count:
            stream.close()
    return text.splitlines()
