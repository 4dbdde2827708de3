"""Which folder a pod's claim stands for, and when it stands for none."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.node import NodeContext
from agent.volume_folders import VolumeError, VolumeFolders
from agent.volumes import VolumeManager
from orchestrator.api.groups.core import NODE, PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from orchestrator.api.meta import Object, owner_reference
from tests.fakes.lookup import FakeLookup
from tests.fakes.volumes import claim, local_volume, volume

CONTEXT = NodeContext("lab", "n1", "", "cluster.local")
DATA: Object = {"persistentVolumeClaim": {"claimName": "data"}}
BOUND = claim(volume="pv", bound=True)


def pod(volume: Object, **spec: Any) -> Object:
    meta = {"name": "web", "namespace": "default", "uid": "uid-web"}
    volumes = [{"name": "v", **volume}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"volumes": volumes, **spec}}


class Bench:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.lookup = FakeLookup()
        self.folders = VolumeFolders(root)
        self.manager = VolumeManager(self.folders, self.lookup, CONTEXT)
        self.lookup.add(NODE, {"metadata": {"name": "n1", "labels": {"kubernetes.io/hostname": "n1"}}})

    def know(self, *objects: Object) -> None:
        for obj in objects:
            kind = PERSISTENT_VOLUME if obj["kind"] == "PersistentVolume" else PERSISTENT_VOLUME_CLAIM
            self.lookup.add(kind, obj)

    def path(self, volume: Object = DATA, **spec: Any) -> Path:
        found = self.manager.prepare(pod(volume, **spec))["v"].path
        assert found is not None
        return found

    def failure(self, volume: Object = DATA) -> str:
        with pytest.raises(VolumeError) as error:
            self.manager.prepare(pod(volume))
        return str(error.value).removeprefix('MountVolume.SetUp failed for volume "v" : ')


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "node")
    yield made
    made.folders.clear()


def test_a_volume_of_the_machine(bench: Bench) -> None:
    bench.know(BOUND, volume(claim=BOUND, source={"hostPath": {"path": str(bench.root / "new"), "type": ""}}))
    assert bench.path() == bench.root / "new"
    assert (bench.root / "new").is_dir()


def test_a_local_volume_must_be_there(bench: Bench) -> None:
    folder = bench.root / "disk"
    bench.know(BOUND, volume(claim=BOUND, node="n1", source={"local": {"path": str(folder)}}))
    assert bench.failure() == f'path "{folder}" does not exist'
    folder.mkdir(parents=True)
    assert bench.path() == folder


def test_a_provisioned_volume_is_made_once(bench: Bench) -> None:
    folder = bench.folders.persistent / "pvc-1"
    bench.know(BOUND, local_volume(str(folder), BOUND))
    assert bench.path() == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o777
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    (folder / "kept").touch()
    bench.path()
    assert (folder / "kept").exists()
    bench.manager.teardown("uid-web")
    assert (folder / "kept").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to a group")
def test_a_provisioned_volume_belongs_to_the_group(bench: Bench) -> None:
    folder = bench.folders.persistent / "pvc-1"
    bench.know(BOUND, local_volume(str(folder), BOUND))
    bench.path(securityContext={"fsGroup": 1234})
    assert folder.stat().st_gid == 1234


def test_read_only_and_parts_of_it(bench: Bench) -> None:
    bench.know(BOUND, local_volume(str(bench.folders.persistent / "pvc-1"), BOUND))
    one = {"persistentVolumeClaim": {"claimName": "data", "readOnly": True}}
    prepared = bench.manager.prepare(pod(one))
    container = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/data", "subPath": "part"}]}
    folder = bench.folders.persistent / "pvc-1" / "part"
    (mount,) = bench.manager.mounts(pod(one), container, prepared)
    assert (mount.target, mount.read_only) == ("/data", True)
    assert Path(mount.source).samefile(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to a group")
def test_what_was_in_a_volume_is_given_to_the_group_once(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "disk" / "folder").mkdir(parents=True)
    file = tmp_path / "disk" / "folder" / "file"
    file.touch(mode=0o600)
    (tmp_path / "disk" / "link").symlink_to("/etc/passwd")
    bench.know(BOUND, local_volume(str(tmp_path / "disk"), BOUND))
    bench.path(securityContext={"fsGroup": 1234})
    assert (file.stat().st_gid, file.stat().st_mode & 0o7777) == (1234, 0o660)
    assert (file.parent.stat().st_gid, file.parent.stat().st_mode & 0o7777) == (1234, 0o2775)
    assert Path("/etc/passwd").stat().st_gid == 0
    os.chown(file, -1, 5)
    bench.path(securityContext={"fsGroup": 1234})
    assert file.stat().st_gid == 5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder to a group")
@pytest.mark.parametrize(("policy", "group"), [("Always", 1234), ("OnRootMismatch", 0)])
def test_a_volume_that_is_the_groups_already(bench: Bench, tmp_path: Path, policy: str, group: int) -> None:
    (tmp_path / "disk").mkdir()
    os.chown(tmp_path / "disk", -1, 1234)
    (tmp_path / "disk").chmod(0o2770)
    (tmp_path / "disk" / "file").touch()
    os.chown(tmp_path / "disk" / "file", -1, 0)
    bench.know(BOUND, local_volume(str(tmp_path / "disk"), BOUND))
    bench.path(securityContext={"fsGroup": 1234, "fsGroupChangePolicy": policy})
    assert (tmp_path / "disk" / "file").stat().st_gid == group


@pytest.mark.parametrize(("mode", "field"), [("Block", "volumeMounts"), ("Filesystem", "volumeDevices")])
def test_a_volume_used_as_what_it_is_not(bench: Bench, mode: str, field: str) -> None:
    bench.know(claim(volume="pv", bound=True, volumeMode=mode))
    with pytest.raises(VolumeError, match=f"volume v has volumeMode {mode}, but is specified in {field}"):
        bench.manager.prepare(pod(DATA, containers=[{"name": "c", field: [{"name": "v"}]}]))


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ([], 'error processing PVC default/data: persistentvolumeclaim "data" not found'),
        ([claim()], "error processing PVC default/data: PVC is not bound"),
        ([BOUND], 'failed to fetch PV pv: persistentvolume "pv" not found'),
        ([BOUND, volume(claim=claim("other"))], "PV pv is not bound to PVC default/data"),
        (
            [BOUND, volume(claim=BOUND, node="n2")],
            "no matching NodeSelectorTerms: the volume is on another node",
        ),
        (
            [BOUND, volume(claim=BOUND, source={"nfs": {}})],
            'PersistentVolume "pv" is neither hostPath nor local: no other type is supported',
        ),
        (
            [claim(volume="pv", bound=True, volumeMode="Block")],
            "PVC default/data has volumeMode Block, which is not supported: use Filesystem",
        ),
    ],
)
def test_what_cannot_be_mounted_is_named(bench: Bench, known: list[Object], why: str) -> None:
    bench.know(*known)
    assert bench.failure() == why


def test_an_ephemeral_volume_is_behind_the_pods_own_claim(bench: Bench) -> None:
    scratch: Object = {"ephemeral": {"volumeClaimTemplate": {}}}
    own = claim("web-v", volume="pv", bound=True)
    bench.know(own, local_volume(str(bench.folders.persistent / "pvc-1"), own))
    assert bench.failure(scratch) == "PVC default/web-v was not created for pod default/web (pod is not owner)"
    own["metadata"]["ownerReferences"] = [owner_reference(pod(scratch))]
    assert bench.path(scratch) == bench.folders.persistent / "pvc-1"
