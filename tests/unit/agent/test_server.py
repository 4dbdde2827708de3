"""The agent's server over real HTTPS: who may ask, and what they get."""

from __future__ import annotations

import builtins
import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from agent.runtime.base import Stream
from agent.runtime.fake import FakeRuntime
from orchestrator.util import pki
from orchestrator.util.clock import SystemClock
from orchestrator.util.identity import Identity
from tests.fakes.agent import Lab, eventually, lab
from tests.fakes.pods import container, pod


class OpenLogs(FakeRuntime):
    """Counts the logs that are being followed."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.followed: set[int] = set()

    def logs(self, id: str, *, follow: bool = False, **options: Any) -> Stream[bytes]:
        stream = super().logs(id, follow=follow, **options)
        if follow:
            self.followed.add(builtins.id(stream))
            close = stream.close
            stream.close = lambda: (self.followed.discard(builtins.id(stream)), close())  # type: ignore[method-assign]
        return stream


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with lab(tmp_path_factory.mktemp("home"), runtime=OpenLogs()) as made:
        made.start()
        made.create(pod("web", container(args=["print:one", "print:two", "print:three"])))
        eventually(lambda: made.ready("web"))
        yield made


@pytest.fixture(scope="module")
def apiserver(world: Lab) -> Identity:
    return pki.ensure(world.settings.pki, "apiserver", "kube-apiserver")


def connect(world: Lab, identity: Identity | None) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(world.identity.ca))
    if identity is not None:
        context.load_cert_chain(identity.certificate, identity.key)
    assert world.agent is not None
    return http.client.HTTPSConnection("127.0.0.1", world.agent.port, context=context, timeout=5)


def get(world: Lab, identity: Identity | None, path: str) -> tuple[int, bytes]:
    connection = connect(world, identity)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_without_a_certificate_of_the_cluster_nobody_gets_in(world: Lab, tmp_path: Path) -> None:
    stranger = pki.ensure(tmp_path, "apiserver", "kube-apiserver")
    for identity in (None, stranger):
        with pytest.raises((ssl.SSLError, OSError)):
            get(world, identity, "/healthz")


def test_only_the_api_server_and_masters_may_ask(world: Lab, apiserver: Identity) -> None:
    proxy = pki.ensure(world.settings.pki, "proxy", "system:kube-proxy")
    admin = pki.ensure(world.settings.pki, "admin", "kubernetes-admin", ["system:masters"])
    assert get(world, proxy, "/pods")[0] == 403
    assert get(world, admin, "/pods")[0] == 200
    code, body = get(world, apiserver, "/pods")
    assert code == 200
    assert [item["status"]["phase"] for item in orjson.loads(body)["items"]] == ["Running"]


def test_health(world: Lab, apiserver: Identity) -> None:
    assert get(world, apiserver, "/healthz") == (200, b"ok")


@pytest.mark.parametrize(
    ("query", "lines"),
    [("", b"one\ntwo\nthree\n"), ("?tailLines=1", b"three\n"), ("?limitBytes=5", b"one\nt"), ("?tailLines=0", b"")],
)
def test_logs(world: Lab, apiserver: Identity, query: str, lines: bytes) -> None:
    assert get(world, apiserver, f"/containerLogs/default/web/app{query}") == (200, lines)


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("/containerLogs/default/nope/app", 404, 'pod "nope" not found on this node'),
        ("/containerLogs/default/web/nope", 404, 'container "nope" not found in pod "web"'),
        ("/containerLogs/default/web/app?previous=true", 400, 'previous terminated container "app" in pod "web"'),
        ("/containerLogs/default/web/app?tailLines=x", 400, "tailLines"),
    ],
)
def test_refusals_are_statuses(world: Lab, apiserver: Identity, path: str, code: int, message: str) -> None:
    answered, body = get(world, apiserver, path)
    status = orjson.loads(body)
    assert (answered, status["kind"], status["code"]) == (code, "Status", code)
    assert message in status["message"]


def test_following_begins_while_there_is_nothing_to_say(world: Lab, apiserver: Identity) -> None:
    connection = connect(world, apiserver)
    connection.request("GET", "/containerLogs/default/web/app?follow=true&tailLines=0")
    assert connection.getresponse().status == 200
    connection.close()


def test_following_ends_when_the_client_goes(world: Lab, apiserver: Identity) -> None:
    """Many who follow at once, and none of them leaves anything behind."""
    runtime = world.runtime
    assert isinstance(runtime, OpenLogs)
    connections = [connect(world, apiserver) for _ in range(20)]
    answers = []
    for connection in connections:
        connection.request("GET", "/containerLogs/default/web/app?follow=true&tailLines=1")
        answers.append(connection.getresponse())
    assert [answer.readline() for answer in answers] == [b"three\n"] * 20
    web = world.running("web")
    assert web is not None
    runtime.write(web.id, "four")
    assert [answer.readline() for answer in answers] == [b"four\n"] * 20
    assert get(world, apiserver, "/healthz") == (200, b"ok")
    assert len(runtime.followed) == 20
    for connection, answer in zip(connections, answers, strict=True):
        answer.close()
        connection.close()
    eventually(lambda: not runtime.followed)
