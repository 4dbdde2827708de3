"""Security contexts: who a container runs as, and what it may do."""

from __future__ import annotations

import pytest

from tests.e2e.fields.conftest import Pods

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


def test_the_containers_context_goes_before_the_pods(pods: Pods) -> None:
    strict, loose = pods.said("secure"), pods.said("secure", "loose")
    assert (strict["uid"], strict["gid"]) == ("3000", "2000")
    assert (loose["uid"], loose["gid"]) == ("0", "0")
    assert "5000" in strict["groups"].split()


def test_root_file_system_and_privileges(pods: Pods) -> None:
    strict, loose = pods.said("secure"), pods.said("secure", "loose")
    assert (strict["root"], loose["root"]) == ("read-only", "writable")
    assert (strict["nnp"], loose["nnp"]) == ("1", "0")
    assert int(strict["bounding"], 16) == 1 << 10
    assert int(loose["bounding"], 16) > 1 << 10


def test_seccomp(pods: Pods) -> None:
    strict, loose = pods.said("secure"), pods.said("secure", "loose")
    assert (strict["seccomp"], loose["seccomp"], pods.said("groups")["seccomp"]) == ("2", "0", "2")
    assert "Operation not permitted" in strict["mkdir"]
    assert loose["mkdir"] == "made"


def test_sysctls(pods: Pods) -> None:
    files = "/proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/tcp_syncookies"
    assert pods.run("secure", f"cat {files}").split() == ["7", "1"]


def test_supplemental_groups(pods: Pods) -> None:
    assert pods.said("groups")["groups"].split() == ["1000", "60000"]
    assert set(pods.said("merged", "merge")["groups"].split()) == {"1000", "50000"}


def test_what_has_no_effect_is_told(pods: Pods) -> None:
    """In an event, on machines without SELinux; another system's options always."""
    assert pods.event("secure", "FieldWithoutEffect").endswith(
        ("this node runs Linux", "SELinux is not enabled on this node")
    )
