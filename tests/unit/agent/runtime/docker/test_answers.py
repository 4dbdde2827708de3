from __future__ import annotations

from typing import Any

import pytest

from agent.runtime.base import Event
from agent.runtime.docker import answers

INSPECTED: dict[str, Any] = {
    "Id": "c1",
    "Name": "/web",
    "Created": "2026-01-31T10:00:00.123456789Z",
    "Image": "sha256:i",
    "Config": {"Image": "nginx:1", "Labels": None},
    "State": {
        "Status": "running",
        "ExitCode": 0,
        "OOMKilled": False,
        "Error": "",
        "Pid": 7,
        "StartedAt": "2026-01-31T10:00:01Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
    },
    "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2"}}},
}


def test_a_container() -> None:
    state = answers.container(INSPECTED)
    assert (state.id, state.name, state.image, state.image_id, state.labels) == ("c1", "web", "nginx:1", "sha256:i", {})
    assert (state.state, state.ip, state.pid) == ("running", "172.17.0.2", 7)
    assert state.created_at == pytest.approx(1769853600.123456, abs=1e-6)
    assert (state.started_at, state.finished_at) == (1769853601.0, 0.0)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("created", "created"),
        ("running", "running"),
        ("paused", "running"),
        ("restarting", "running"),
        ("removing", "exited"),
        ("exited", "exited"),
        ("dead", "exited"),
    ],
)
def test_states(status: str, state: str) -> None:
    assert answers.state(status) == state


def test_a_container_on_no_network() -> None:
    assert answers.container({**INSPECTED, "NetworkSettings": {"Networks": {"host": {"IPAddress": ""}}}}).ip == ""
    assert answers.container({**INSPECTED, "NetworkSettings": None}).ip == ""


def test_an_events_labels_are_the_containers() -> None:
    attributes = {"image": "nginx:1", "name": "web", "exitCode": "1", "podlab.uid": "u1"}
    event = answers.event(
        {"Action": "die", "Actor": {"ID": "c1", "Attributes": attributes}, "timeNano": 1769853600500000000}
    )
    assert event == Event("die", "c1", {"podlab.uid": "u1"}, 1769853600.5)


def test_an_image_without_a_name() -> None:
    image = answers.image({"Id": "i", "RepoTags": ["<none>:<none>"], "RepoDigests": None, "Size": 5, "Config": None})
    assert (image.tags, image.digests, image.size, image.user) == ((), (), 5, "")


@pytest.mark.parametrize(
    ("memory", "working_set"),
    [
        ({"usage": 100, "stats": {"total_inactive_file": 30, "inactive_file": 10}}, 70),  # cgroup v1
        ({"usage": 100, "stats": {"inactive_file": 10}}, 90),  # cgroup v2
        ({"usage": 5, "stats": {"inactive_file": 10}}, 0),
        ({}, 0),  # a container that has just ended
    ],
)
def test_the_working_set(memory: dict[str, Any], working_set: int) -> None:
    answer = {
        "read": "2026-01-31T10:00:00Z",
        "cpu_stats": {"cpu_usage": {"total_usage": 9}},
        "memory_stats": memory,
    }
    stats = answers.stats(answer)
    assert (stats.cpu_nanoseconds, stats.memory_working_set, stats.at) == (9, working_set, 1769853600.0)


@pytest.mark.parametrize(
    ("configs", "gateway"),
    [
        ([{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.254"}], "172.17.0.254"),
        ([{"Subnet": "172.17.0.0/16"}], "172.17.0.1"),
        ([{"Subnet": "fd00::/64", "Gateway": "fd00::1"}, {"Subnet": "10.1.0.0/24"}], "10.1.0.1"),
        (None, ""),
    ],
)
def test_the_gateway(configs: list[dict[str, str]] | None, gateway: str) -> None:
    info = {
        "Name": "laptop",
        "ServerVersion": "20.10.24",
        "OperatingSystem": "Debian",
        "KernelVersion": "6.1",
        "Architecture": "aarch64",
        "NCPU": 2,
        "MemTotal": 1 << 30,
        "DockerRootDir": "/var/lib/docker",
        "Warnings": None,
    }
    engine = answers.engine(info, {"IPAM": {"Config": configs}}, ("slow",))
    assert engine.gateway == gateway
    assert (engine.architecture, engine.cgroup_version, engine.warnings) == ("arm64", "1", ("slow",))
