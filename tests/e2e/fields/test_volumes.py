"""Volumes of every type that there is, in one pod."""

from __future__ import annotations

import base64
import json
import stat

import pytest

from tests.e2e.fields.conftest import Pods, Shared
from tests.e2e.harness import eventually

pytestmark = [pytest.mark.engine, pytest.mark.kubectl]


def modes(pods: Pods, *paths: str) -> list[str]:
    return pods.run("volumes", f"stat -L -c %a {' '.join(f'/v/{path}' for path in paths)}").split()


def test_empty_dirs(pods: Pods) -> None:
    pods.run("volumes", "echo here > /v/scratch/file")
    assert pods.run("volumes", "stat -c %g /v/scratch/file") == "4321"
    assert pods.run("volumes", "dd if=/dev/zero of=/v/memory/big bs=1M count=3 2>&1 || true").count("No space") == 1
    assert pods.run("volumes", "grep ' /v/memory ' /proc/mounts").split()[2] == "tmpfs"


def test_sub_paths(pods: Pods) -> None:
    pods.run("volumes", "echo x > /v/part/x; echo y > /v/mine/y")
    assert pods.run("volumes", "cat /v/scratch/a/b/x /v/scratch/logs/volumes/y").split() == ["x", "y"]
    assert pods.run("volumes", "cat /v/single") == "blue"


def test_files_from_the_api(pods: Pods) -> None:
    script = "cat /v/cfg/size /v/fixed/a /v/pw/who /v/down/cpu /v/parts/cfg/color /v/parts/user /v/parts/name"
    assert pods.run("volumes", f"for f in {script[4:]}; do cat $f; echo; done").split() == [
        *("9", "1", "admin", "250", "blue", "admin", "volumes")
    ]
    assert pods.run("volumes", "cat /v/down/labels") == 'app="volumes"'
    assert pods.run("volumes", "ls /v/absent") == ""


def test_modes_and_the_group(pods: Pods) -> None:
    """The pod's fsGroup may read, whatever the mode."""
    paths = ("cfg/size", "pw/who", "down/labels", "down/cpu", "parts/cfg/color", "parts/name")
    assert modes(pods, *paths) == ["444", "440", "444", "440", "440", "444"]
    assert pods.run("volumes", "stat -L -c %g /v/pw/who") == "4321"


def test_a_token_for_an_audience(pods: Pods) -> None:
    payload = pods.run("volumes", "cut -d. -f2 /v/parts/token")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["aud"] == ["me"]
    assert claims["exp"] - claims["iat"] == 700


def test_what_the_host_has(pods: Pods, shared_folder: Shared) -> None:
    (shared_folder.path / "host" / "file").write_text("host\n")
    script = "cat /v/host/file; touch /v/host/x 2>/dev/null || echo read-only"
    assert pods.run("volumes", script).split() == ["host", "read-only"]
    (shared_folder.below / "late").touch()
    assert pods.run("volumes", "ls /v/shared/below") == "late"


def test_claims(pods: Pods) -> None:
    pods.run("volumes", "echo kept > /v/claim/file; echo mine > /v/own/file")
    assert pods.run("volumes", "cat /v/frozen/file") == "kept"
    assert pods.run("volumes", "touch /v/frozen/x 2>/dev/null || echo read-only") == "read-only"
    assert pods.run("volumes", "stat -c %g /v/claim /v/own").split() == ["4321", "4321"]
    assert pods.cluster.get("pvc", "volumes-own")["metadata"]["ownerReferences"][0]["kind"] == "Pod"


def test_an_image(pods: Pods) -> None:
    assert "Welcome to nginx" in pods.run("volumes", "cat /v/image/usr/share/nginx/html/index.html")
    assert pods.run("volumes", "touch /v/image/x 2>/dev/null || echo read-only") == "read-only"
    assert pods.run("volumes", "ls -a /v/image").split().count(".dockerenv") == 0


def test_live_updates_change_all_at_once(pods: Pods) -> None:
    """Also those of the pod's own labels; an annotation has the volumes looked at now."""
    before = pods.run("volumes", "readlink /v/cfg/..data")
    pods.cluster.kubectl("patch", "configmap", "cfg", "--patch", '{"data": {"color": "green", "size": "10"}}')
    pods.cluster.kubectl("label", "pod", "volumes", "tier=back")
    eventually(lambda: pods.run("volumes", "cat /v/cfg/color") == "green", 20)
    assert pods.run("volumes", "cat /v/cfg/size /v/single") == "10blue"
    assert pods.run("volumes", "readlink /v/cfg/..data") != before
    assert pods.run("volumes", "cat /v/down/labels").splitlines()[-1] == 'tier="back"'


def test_the_folders_are_nobody_elses(pods: Pods) -> None:
    (folder,) = (pods.cluster.home / "nodes").glob("*/pods")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_changed_immutable_config_map_is_refused(pods: Pods) -> None:
    done = pods.cluster.kubectl("patch", "configmap", "fixed", "--patch", '{"data": {"a": "2"}}', check=False)
    assert "field is immutable when `immutable` is set" in done.stderr
