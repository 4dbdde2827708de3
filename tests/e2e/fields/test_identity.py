"""Names, addresses, environment: what a container knows of itself and of others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.fields.conftest import Pods

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


def test_hostname_and_aliases(pods: Pods) -> None:
    full = "box.shelf.default.svc.cluster.local"
    assert pods.run("identity", "hostname; uname -n").split() == [full, full]
    hosts = pods.run("identity", "cat /etc/hosts")
    assert {"10.1.2.3\tdatabase", "10.1.2.3\tdb"} <= set(hosts.splitlines())
    assert any(line.split()[1:] == [full, "box"] for line in hosts.splitlines())


def test_dns_config(pods: Pods) -> None:
    lines = pods.run("identity", "cat /etc/resolv.conf").splitlines()
    assert lines.index(f"nameserver 10.{pods.cluster.second}.0.10") < lines.index("nameserver 192.0.2.53")
    assert next(line for line in lines if line.startswith("search")).endswith("example.org")
    assert "options ndots:2 edns0" in lines


def test_dns_policies(pods: Pods) -> None:
    assert pods.run("secure", "grep nameserver /etc/resolv.conf") == "nameserver 192.0.2.1"
    assert f"10.{pods.cluster.second}.0.10" in pods.run("host", "cat /etc/resolv.conf")
    assert f"10.{pods.cluster.second}.0.10" not in pods.run("volumes", "cat /etc/resolv.conf")


def test_shared_processes_and_a_runtime_class(pods: Pods) -> None:
    assert pods.run("identity", "cat /proc/1/cmdline | tr -d '\\0'") == "/pause"
    spec = pods.get("identity")["spec"]
    assert spec["overhead"] == {"cpu": "10m"}


def test_no_token_is_mounted_unasked(pods: Pods) -> None:
    assert "volumeMounts" not in pods.get("identity")["spec"]["containers"][0]
    assert pods.run("environment", "ls /var/run/secrets/kubernetes.io/serviceaccount/token")


def test_the_hosts_namespaces(pods: Pods) -> None:
    said = pods.said("host")
    for kind in ("net", "ipc"):
        assert said[kind] == str(Path(f"/proc/self/ns/{kind}").readlink())
    assert int(pods.run("host", "ls -d /proc/[0-9]* | wc -l")) > 20
    assert "10.1.2.4\tfar" in pods.run("host", "cat /etc/hosts")
    status = pods.get("host")["status"]
    assert status["podIP"] == status["hostIP"]


def test_variables(pods: Pods) -> None:
    said, pod = pods.said("environment"), pods.get("environment")
    assert said["SECOND"] == "one-two-$(LATER)-$(FIRST)"
    assert (said["argument"], said["here"]) == ("one", "/tmp")
    assert (said["KEY"], said["SECRET"]) == ("blue", "admin")
    assert (said["CFG_color"], said["CFG_size"], said["PW_user"]) == ("blue", "9", "admin")
    assert "ABSENT" not in said and "ABSENT_KEY" not in said
    assert (said["NAME"], said["SPACE"], said["LABEL"]) == ("environment", "default", "environment")
    assert (said["UID"], said["NODE"]) == (pod["metadata"]["uid"], pod["spec"]["nodeName"])
    assert said["ACCOUNT"] == "default"
    assert said["IP"] == said["IPS"] == pod["status"]["podIP"]
    assert said["HOST"] == said["HOSTS"] == pod["status"]["hostIP"]


def test_resources_as_variables(pods: Pods) -> None:
    said = pods.said("environment")
    assert (said["CPU"], said["MEMORY"], said["OTHER"]) == ("500", "64", str(5 << 20))
    assert int(said["DISK"]) > 1 << 30


def test_service_links(pods: Pods) -> None:
    said = pods.said("environment")
    assert said["KUBERNETES_SERVICE_HOST"] == f"10.{pods.cluster.second}.0.1"


def test_limits_of_the_engine(pods: Pods) -> None:
    script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max"
    assert pods.run("environment", script) == str(64 << 20)
