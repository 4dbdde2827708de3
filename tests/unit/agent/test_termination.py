"""A container's last words, in a whole agent over the fake engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.base import Mount
from agent.runtime.fake import FakeRuntime
from agent.termination import MOST_OF_FILE, MOST_OF_LOG
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, status
from orchestrator.util.clock import SystemClock
from tests.fakes.agent import Lab, eventually, lab
from tests.fakes.pods import container, pod


@pytest.fixture
def engine() -> FakeRuntime:
    return FakeRuntime(SystemClock())


@pytest.fixture
def world(tmp_path: Path, engine: FakeRuntime) -> Iterator[Lab]:
    with lab(tmp_path, runtime=engine) as made:
        made.start()
        yield made


def run(world: Lab, **fields: Any) -> str:
    """The id of the running container of a pod that never restarts."""
    world.create(pod("job", container(**fields), restartPolicy="Never"))
    eventually(lambda: world.ready("job"))
    return world.running("job").id


def mount(engine: FakeRuntime, id: str) -> Mount:
    return list(engine.spec(id).mounts)[-1]


def end(world: Lab) -> Object:
    eventually(lambda: status(world.pod("job")).get("phase") in ("Succeeded", "Failed"))
    found: Object = world.entry("job")["state"]["terminated"]
    return found


def test_what_it_wrote_to_the_file(world: Lab, engine: FakeRuntime) -> None:
    id = run(world)
    assert mount(engine, id).target == "/dev/termination-log"
    Path(mount(engine, id).source).write_text("that is all")
    engine.exit(id, 3)
    assert end(world) | {"exitCode": 3, "reason": "Error", "message": "that is all"} == end(world)


def test_the_file_may_be_elsewhere_and_only_its_end_counts(world: Lab, engine: FakeRuntime) -> None:
    id = run(world, terminationMessagePath="/tmp/last")
    assert mount(engine, id).target == "/tmp/last"
    Path(mount(engine, id).source).write_text("x" * 10_000 + "end")
    engine.exit(id)
    message = end(world)["message"]
    assert (len(message), message[-4:]) == (MOST_OF_FILE, "xend")


@pytest.mark.parametrize(
    ("policy", "code", "message"),
    [
        ("FallbackToLogsOnError", 1, "line 1\nline 2\n"),
        ("FallbackToLogsOnError", 0, None),
        ("File", 1, None),
    ],
)
def test_a_log_speaks_for_one_that_failed(
    world: Lab, engine: FakeRuntime, policy: str, code: int, message: str | None
) -> None:
    id = run(world, terminationMessagePolicy=policy)
    engine.write(id, "line 1")
    engine.write(id, "line 2")
    engine.exit(id, code)
    assert end(world).get("message") == message


def test_of_a_log_the_end_counts(world: Lab, engine: FakeRuntime) -> None:
    id = run(world, terminationMessagePolicy="FallbackToLogsOnError")
    for number in range(500):
        engine.write(id, f"{number:04d} {'é' * 10}")
    engine.exit(id, 1)
    message = end(world)["message"]
    assert len(message.encode()) <= MOST_OF_LOG
    assert message.endswith(f"0499 {'é' * 10}\n")


def test_a_new_agent_knows_the_last_words_of_the_time_without_one(world: Lab, engine: FakeRuntime) -> None:
    id = run(world)
    world.stop()
    Path(mount(engine, id).source).write_text("nobody listens")
    engine.exit(id, 1)
    world.start()
    assert end(world)["message"] == "nobody listens"


def test_each_instance_has_words_of_its_own(world: Lab, engine: FakeRuntime) -> None:
    world.create(pod("web"))
    eventually(lambda: world.ready("web"))
    first = world.running("web").id
    Path(mount(engine, first).source).write_text("first")
    engine.exit(first, 1)
    eventually(lambda: world.ready("web") and world.entry("web")["restartCount"] == 1)
    assert world.entry("web")["lastState"]["terminated"]["message"] == "first"
    assert Path(mount(engine, world.running("web").id).source).read_text() == ""


def test_the_files_go_with_the_pod(world: Lab, engine: FakeRuntime) -> None:
    file = Path(mount(engine, run(world)).source)
    world.client.delete(POD, "job", "default")
    eventually(lambda: world.gone("job"))
    assert not file.exists()
