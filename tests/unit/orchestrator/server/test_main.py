"""The master as a process: starts, says why it cannot, ends, loses nothing."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.api.custom.definition import client_kind
from orchestrator.api.errors import ServiceUnavailable
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.groups.apps import DEPLOYMENT
from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE, POD
from orchestrator.api.kinds import Kind
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.main import main, master
from orchestrator.store.memory import MemoryStore
from orchestrator.util import logs, pki
from orchestrator.util.clock import SystemClock
from orchestrator.util.settings import Settings
from tests.fakes.api import cluster_home
from tests.fakes.custom import NAME, crontab, definition

from .objects import config_map, deployment


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = cluster_home(tmp_path)
    for name, user in (("scheduler", "system:kube-scheduler"), ("controllers", "system:kube-controller-manager")):
        pki.ensure(made.pki, name, user)
    return made


@pytest.fixture(autouse=True)
def untouched_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`main` runs in the tests' own process here: give back its signals, and leave its logging alone."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(logs, "setup", lambda: None)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def client_of(settings: Settings) -> Client:
    return Client(HttpTransport(settings.server, pki.identity(settings.pki, "admin")))


@contextmanager
def process(settings: Settings, components: str = "api") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "orchestrator", "--home", str(settings.home), "--components", components]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_ready(settings: Settings) -> Client:
    transport = HttpTransport(settings.server, pki.identity(settings.pki, "admin"))
    deadline = time.monotonic() + 20
    while True:
        try:
            if transport.raw("GET", "/readyz")[0] == 200:
                return Client(transport)
        except ServiceUnavailable:
            pass
        assert time.monotonic() < deadline, "the master did not become ready"
        time.sleep(0.02)


def test_ends_on_sigterm_and_prints_nothing(settings: Settings) -> None:
    with process(settings) as running:
        client = wait_ready(settings)
        stream = client.watch(NAMESPACE)
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
        assert running.communicate() == ("", "")
        stream.close()


def test_nothing_acknowledged_is_lost_by_a_kill(settings: Settings) -> None:
    with process(settings) as running:
        made = wait_ready(settings).create(CONFIG_MAP, config_map())
        running.kill()
        running.wait()
    with process(settings):
        assert wait_ready(settings).get(CONFIG_MAP, "settings", "default") == made


def refusal(settings: Settings, capsys: pytest.CaptureFixture[str]) -> str:
    """What the master says when it cannot start."""
    assert main(["--home", str(settings.home)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    [sentence] = [line for line in output.err.splitlines() if line.startswith("podlab: ")]
    return sentence


def test_a_port_in_use(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((settings.api_host, settings.api_port)):
        said = refusal(settings, capsys)
    assert f"cannot listen on 127.0.0.1:{settings.api_port} (Address already in use)" in said


def test_a_damaged_store(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.store.mkdir()
    (settings.store / "state.json").write_text("{")
    assert "state.json" in refusal(settings, capsys)


def test_damaged_tokens(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    (settings.pki / "tokens.csv").write_text("oops\n")
    assert "tokens.csv, line 1" in refusal(settings, capsys)


def test_no_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "run `podlab up` first" in refusal(Settings(home=tmp_path / "nowhere"), capsys)


def test_no_certificate(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    (settings.pki / "apiserver.crt").unlink()
    assert "apiserver.crt with its key: run `podlab up`" in refusal(settings, capsys)


def test_the_store_is_let_go_after_a_failed_start(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server((settings.api_host, settings.api_port)):
        refusal(settings, capsys)
    with master(settings, ["api"]):
        client_of(settings).list(NAMESPACE)


def test_an_unknown_component(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--home", str(settings.home), "--components", "api,chef"])
    assert "no component is called chef" in capsys.readouterr().err


def pods(client: Client) -> int:
    deadline = time.monotonic() + 10
    while len(found := client.list(POD, "default").items) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    return len(found)


@pytest.mark.parametrize("split", [False, True], ids=["one process", "one each"])
def test_controllers_work(settings: Settings, split: bool) -> None:
    """A deployment gets its pods, whether the controllers run beside the API server or over HTTPS."""
    store = MemoryStore(SystemClock())
    together = ["api"] if split else ["api", "scheduler", "controllers"]
    with master(settings, together, store):
        client = client_of(settings)
        client.create(DEPLOYMENT, deployment())
        if split:
            with master(settings, ["scheduler"]), master(settings, ["controllers"]):
                assert pods(client) == 2
        else:
            assert pods(client) == 2


def test_custom_resources_over_https_and_after_a_restart(settings: Settings) -> None:
    client = client_of(settings)
    with master(settings, ["api"]), master(settings, ["controllers"]):
        client.create(CUSTOM_RESOURCE_DEFINITION, definition())
        kind = established(client)
        owner = client.create(kind, crontab())
        reference = {field: owner[field] for field in ("apiVersion", "kind")}
        reference |= {"name": "nightly", "uid": owner["metadata"]["uid"]}
        child = {"metadata": {"name": "child", "namespace": "default", "ownerReferences": [reference]}}
        client.create(CONFIG_MAP, child)
    with master(settings, ["api"]), master(settings, ["controllers"]):
        assert [each["spec"]["image"] for each in client.list(kind).items] == ["busybox"]
        client.delete(kind, "nightly", "default")
        deadline = time.monotonic() + 10
        while children := client.list(CONFIG_MAP, "default", fieldSelector="metadata.name=child").items:
            assert time.monotonic() < deadline, children
            time.sleep(0.02)


def established(client: Client) -> Kind:
    deadline = time.monotonic() + 10
    while (kind := client_kind(client.get(CUSTOM_RESOURCE_DEFINITION, NAME))) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return kind
