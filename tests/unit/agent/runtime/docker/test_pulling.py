from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.runtime.base import EngineUnreachable, PullFailed, RegistryUnavailable
from agent.runtime.docker import DockerRuntime
from agent.runtime.docker.pulling import explained
from tests.fakes.http_server import Exchange, serving


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('Get "http://localhost:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', RegistryUnavailable),
        ('Get "https://x.invalid/v2/": dial tcp: lookup x.invalid on 1.1.1.1:53: no such host', RegistryUnavailable),
        ('Get "https://a/v2/": net/http: TLS handshake timeout', RegistryUnavailable),
        ('Get "https://a/v2/": dial tcp 192.0.2.1:443: i/o timeout', RegistryUnavailable),
        ('Get "https://a/v2/": EOF', RegistryUnavailable),
        ("received unexpected HTTP status: 503 Service Unavailable", RegistryUnavailable),
        ("error parsing HTTP 502 response body: invalid character '<'", RegistryUnavailable),
        ("received unexpected HTTP status: 500 Internal Server Error", PullFailed),
        ("toomanyrequests: You have reached your pull rate limit.", PullFailed),
        ("write /var/lib/docker/tmp/GetImageBlob5: no space left on device", PullFailed),
        ("manifest for nginx:5020 not found: manifest unknown", PullFailed),
    ],
)
def test_what_is_the_registrys_absence(message: str, kind: type[PullFailed]) -> None:
    with pytest.raises(PullFailed) as raised, explained(60):
        raise PullFailed(message)
    assert type(raised.value) is kind
    assert str(raised.value) == message


def engine(pull: str) -> Callable[[Exchange], None]:
    """An engine that says `pull` (lines of JSON) about a pull, and then falls silent."""

    def handle(exchange: Exchange) -> None:
        if exchange.path.endswith("/version"):
            exchange.answer(200, b'{"ApiVersion": "1.41", "Arch": "amd64"}')
            return
        exchange.start_chunks()
        exchange.chunk(pull.encode())
        exchange.rfile.read(1)  # Until the client hangs up.

    return handle


@pytest.fixture(autouse=True)
def no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def test_an_engine_that_falls_silent_in_the_middle_of_a_pull() -> None:
    with serving(engine('{"status": "Downloading", "id": "a"}\n')) as server:
        runtime = DockerRuntime(server.url.replace("http", "tcp"), pull_deadline=0.2)
        with pytest.raises(PullFailed, match=r"no progress for 0.2 s"):
            runtime.pull("nginx:1")


def test_a_full_disk_is_told_in_the_middle_of_a_pull() -> None:
    message = "write /var/lib/docker/tmp/GetImageBlob5: no space left on device"
    with serving(engine(f'{{"errorDetail": {{"message": "{message}"}}, "error": "{message}"}}\n')) as server:
        runtime = DockerRuntime(server.url.replace("http", "tcp"), pull_deadline=5)
        with pytest.raises(PullFailed, match="no space left on device"):
            runtime.pull("nginx:1")


def test_a_broken_configuration_of_the_user_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"ghcr.io": {"auth": "YQ=="}}}')
    with (
        serving(engine("")) as server,
        pytest.raises(EngineUnreachable, match="Docker configuration of this user is broken"),
    ):
        DockerRuntime(server.url.replace("http", "tcp")).image("nginx")
