from __future__ import annotations

import pytest

from agent.logs import LogOptions, container_to_read, limited, parse_options
from agent.observed import Observed
from agent.status import pod_status
from orchestrator.api.errors import ApiError, BadRequest, NotFound
from tests.fakes.pods import pod
from tests.unit.agent.observations import NOW, instance, sandbox, seen

WEB = pod("web")


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ({}, LogOptions()),
        ({"follow": "true", "previous": "false", "timestamps": "1"}, LogOptions(follow=True, timestamps=True)),
        ({"tailLines": "0", "limitBytes": "9"}, LogOptions(tail=0, limit_bytes=9)),
        ({"sinceSeconds": "60"}, LogOptions(since=NOW - 60)),
        ({"sinceTime": "2023-11-14T22:13:20Z"}, LogOptions(since=NOW)),
    ],
)
def test_options(query: dict[str, str], options: LogOptions) -> None:
    assert parse_options(query, NOW) == options


@pytest.mark.parametrize(
    "query",
    [
        {"follow": "perhaps"},
        {"tailLines": "-1"},
        {"tailLines": "many"},
        {"limitBytes": "0"},
        {"sinceTime": "yesterday"},
        {"sinceTime": "2023-11-14T22:13:20Z", "sinceSeconds": "1"},
    ],
)
def test_bad_options(query: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        parse_options(query, NOW)


def with_status(observed: Observed) -> Observed:
    return seen(*observed.containers, status=pod_status(WEB, observed, "192.0.2.1", NOW))


FIRST, SECOND = instance(state="exited", exit_code=1), instance(restarts=1)
CRASHED = instance(state="exited", restarts=1, exit_code=1)


@pytest.mark.parametrize(
    ("observed", "previous", "read"),
    [
        (seen(sandbox(), FIRST, SECOND), False, "app-1"),
        (seen(sandbox(), FIRST, SECOND), True, "app-0"),
        (seen(sandbox(), CRASHED), False, "app-1"),
        (seen(sandbox(), CRASHED), True, "app-1"),
        (seen(sandbox(), FIRST, instance(state="created", restarts=1)), False, "app-0"),
    ],
)
def test_which_instance_is_read(observed: Observed, previous: bool, read: str) -> None:
    assert container_to_read(WEB, "app", with_status(observed), previous=previous).id == read


@pytest.mark.parametrize(
    ("container", "observed", "previous", "error", "sentence"),
    [
        ("nope", seen(sandbox()), False, NotFound, 'container "nope" not found in pod "web"'),
        (
            "app",
            seen(sandbox()),
            False,
            BadRequest,
            'container "app" in pod "web" is waiting to start: ContainerCreating',
        ),
        (
            "app",
            seen(sandbox(), SECOND),
            True,
            BadRequest,
            'previous terminated container "app" in pod "web" not found',
        ),
    ],
)
def test_why_there_is_nothing_to_read(
    container: str, observed: Observed, previous: bool, error: type[ApiError], sentence: str
) -> None:
    with pytest.raises(error) as refusal:
        container_to_read(WEB, container, with_status(observed), previous=previous)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("limit", "expected"), [(None, b"abcdefgh"), (3, b"abc"), (4, b"abcd"), (5, b"abcde"), (99, b"abcdefgh")]
)
def test_limited(limit: int | None, expected: bytes) -> None:
    assert b"".join(limited(iter([b"abcd", b"efgh"]), limit)) == expected
