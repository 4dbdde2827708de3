from __future__ import annotations

from typing import Any

import pytest

from agent.runtime.base import ContainerSpec, LogLimits, Mount, PortMapping, Resources, RuntimeFailure
from agent.runtime.docker.config import create_body


def body(**fields: Any) -> dict[str, Any]:
    return create_body(ContainerSpec("web", "nginx:1", {"a": "b"}, **fields))


def test_what_is_not_given_is_the_images() -> None:
    made = body()
    assert (made["Image"], made["Labels"], made["Env"]) == ("nginx:1", {"a": "b"}, [])
    assert not {"Entrypoint", "Cmd", "Hostname", "Domainname", "ExposedPorts"} & set(made)
    assert made["HostConfig"]["NetworkMode"] == "bridge"
    assert not {"CpuShares", "CpuQuota", "Memory", "OomScoreAdj"} & set(made["HostConfig"])


def test_command_and_arguments() -> None:
    made = body(command=["a"], args=[])
    assert (made["Entrypoint"], made["Cmd"]) == (["a"], [])


def test_limits() -> None:
    host = body(resources=Resources(2, 50_000, 1 << 20, 64, 900))["HostConfig"]
    assert (host["CpuShares"], host["CpuPeriod"], host["CpuQuota"]) == (2, 100_000, 50_000)
    assert host["Memory"] == host["MemorySwap"] == 1 << 20
    assert (host["PidsLimit"], host["OomScoreAdj"]) == (64, 900)


@pytest.mark.parametrize(("score", "allowed", "set_to"), [(-998, True, -998), (-998, False, None), (0, False, 0)])
def test_a_negative_oom_score_needs_the_privilege(score: int, allowed: bool, set_to: int | None) -> None:
    spec = ContainerSpec("web", "nginx:1", {}, resources=Resources(oom_score_adj=score))
    assert create_body(spec, lower_oom_score=allowed)["HostConfig"].get("OomScoreAdj") == set_to


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        (Mount("/a", "/h"), {"Type": "bind", "Source": "/h", "Target": "/a", "ReadOnly": False}),
        (
            Mount("/a", "/h", read_only=True, propagation="rslave"),
            {
                "Type": "bind",
                "Source": "/h",
                "Target": "/a",
                "ReadOnly": True,
                "BindOptions": {"Propagation": "rslave"},
            },
        ),
        (Mount("/a", "data"), {"Type": "volume", "Source": "data", "Target": "/a", "ReadOnly": False}),
        (Mount("/a", kind="tmpfs"), {"Type": "tmpfs", "Target": "/a"}),
        (Mount("/a", kind="tmpfs", size=9), {"Type": "tmpfs", "Target": "/a", "TmpfsOptions": {"SizeBytes": 9}}),
    ],
)
def test_mounts(mount: Mount, expected: dict[str, Any]) -> None:
    assert body(mounts=[mount])["HostConfig"]["Mounts"] == [expected]


@pytest.mark.parametrize(
    ("recursive", "options"),
    [
        ("", {"ReadOnlyNonRecursive": True}),
        ("IfPossible", None),
        ("Enabled", {"ReadOnlyForceRecursive": True, "Propagation": "rprivate"}),
    ],
)
def test_how_deep_a_read_only_mount_goes(recursive: Any, options: dict[str, Any] | None) -> None:
    spec = ContainerSpec("web", "nginx:1", {}, mounts=[Mount("/a", "/h", read_only=True, recursive=recursive)])
    (made,) = create_body(spec, recursion=True)["HostConfig"]["Mounts"]
    assert made.get("BindOptions") == options


def test_an_old_engine_cannot_make_all_of_a_mount_read_only() -> None:
    spec = ContainerSpec("web", "nginx:1", {}, mounts=[Mount("/a", "/h", read_only=True, recursive="Enabled")])
    with pytest.raises(RuntimeFailure, match="recursive read-only mount /a needs Docker Engine 25 or later"):
        create_body(spec)


def test_ports() -> None:
    made = body(ports=[PortMapping(80, 8080), PortMapping(80, 8081, host_ip="127.0.0.1"), PortMapping(53, 53, "UDP")])
    assert made["ExposedPorts"] == {"80/tcp": {}, "53/udp": {}}
    assert made["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "127.0.0.1", "HostPort": "8081"}],
        "53/udp": [{"HostIp": "", "HostPort": "53"}],
    }


def test_names() -> None:
    made = body(hostname="web-0", domain="a.b", extra_hosts=[("db", "1.2.3.4")], env=[("A", "x=y")])
    assert (made["Hostname"], made["Domainname"], made["Env"]) == ("web-0", "a.b", ["A=x=y"])
    assert made["HostConfig"]["ExtraHosts"] == ["db:1.2.3.4"]


def test_output_is_rotated_by_the_engine() -> None:
    config = body(logs=LogLimits(size=4096, files=3))["HostConfig"]["LogConfig"]
    assert config == {"Type": "json-file", "Config": {"max-size": "4096", "max-file": "3"}}
