from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent import mounts as mounts_of_machine
from agent import sub_path, volume_folders
from agent.runtime.base import Mount
from agent.runtime.node import NodeContext
from agent.volume_folders import VolumeError, VolumeFolders
from agent.volumes import Source, VolumeManager, memory_size
from orchestrator.api.meta import Object
from tests.fakes.lookup import FakeLookup

NODE = NodeContext("lab", "node-1", "", "cluster.local", allocatable={"cpu": "2"})
ROOT = os.geteuid() == 0


def pod(*volumes: Object, uid: str = "u1", **spec: Any) -> Object:
    return {
        "metadata": {"name": "web-0", "namespace": "shop", "uid": uid, "labels": {"app": "web"}},
        "spec": {
            "volumes": [{"name": f"v{number}", **volume} for number, volume in enumerate(volumes)],
            "containers": [{"name": "web", "resources": {"limits": {"cpu": "1500m"}}}],
            **spec,
        },
    }


class Bench:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.lookup = FakeLookup()
        self.folders = VolumeFolders(self.root / "node")
        self.manager = VolumeManager(self.folders, self.lookup, NODE)

    def source(self, volume: Object, **spec: Any) -> Source:
        return self.manager.prepare(pod(volume, **spec))["v0"]

    def folder(self, volume: Object, **spec: Any) -> Path:
        path = self.source(volume, **spec).path
        assert path is not None
        return path

    def failure(self, volume: Object) -> str:
        with pytest.raises(VolumeError) as error:
            self.manager.prepare(pod(volume))
        return str(error.value).removeprefix('MountVolume.SetUp failed for volume "v0" : ')


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    made.lookup.config_map("cfg", {"a.conf": "one", "b.conf": "two"}, {"blob": b"\xff\x00"})
    made.lookup.secret("pw", {"user": b"admin"})
    yield made
    made.folders.clear()


def contents(folder: Path) -> dict[str, bytes]:
    """What a reader of the volume sees."""
    found = {}
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith("..")]
        found |= {
            str((Path(parent) / name).relative_to(folder)): (Path(parent) / name).read_bytes()
            for name in files
            if not name.startswith("..")
        }
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# emptyDir


@pytest.mark.parametrize("volume", [{"emptyDir": {}}, {}])
def test_an_empty_dir_is_everybodys(bench: Bench, volume: Object) -> None:
    folder = bench.folder(volume)
    assert folder.is_dir() and mode(folder) == 0o777
    assert not bench.source(volume).read_only


def test_preparing_again_keeps_what_containers_made_of_it(bench: Bench) -> None:
    folder = bench.folder({"emptyDir": {}})
    (folder / "data").write_text("kept")
    folder.chmod(0o700)
    assert bench.folder({"emptyDir": {}}) == folder
    assert (folder / "data").read_text() == "kept"
    assert mode(folder) == 0o700


def test_other_users_of_the_machine_cannot_come_near(bench: Bench) -> None:
    folder = bench.folder({"emptyDir": {}})
    assert mode(folder.parents[1]) == 0o700


@pytest.mark.skipif(not ROOT, reason="only root changes a folder's group")
def test_the_fs_group_owns_the_volume(bench: Bench) -> None:
    bench.lookup.secret("key", {"id": b"x"})
    made = bench.manager.prepare(
        pod(
            {"emptyDir": {}},
            {"secret": {"secretName": "key", "defaultMode": 0o400}},
            securityContext={"fsGroup": 4321},
        )
    )
    empty, secret = made["v0"].path, made["v1"].path
    assert empty is not None and secret is not None
    assert (empty.stat().st_gid, mode(empty)) == (4321, 0o2777)
    assert ((secret / "id").stat().st_gid, mode(secret / "id")) == (4321, 0o440)


def test_memory_is_shared_or_each_containers_own(bench: Bench) -> None:
    source = bench.source({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
    try:
        if source.path is None:
            assert source.size == 1 << 20
        else:
            assert source.path.is_mount()
            assert mode(source.path) == 0o777
            assert bench.source({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}) == source
    finally:
        bench.manager.teardown("u1")
    assert bench.folders.pods() == set()


def test_memory_of_a_containers_own(bench: Bench) -> None:
    container = {"name": "web", "volumeMounts": [{"name": "v0", "mountPath": "/tmp"}]}
    mounts = bench.manager.mounts(pod(), container, {"v0": Source(None, 4096)})
    assert mounts == [Mount("/tmp", kind="tmpfs", size=4096)]


@pytest.mark.parametrize(
    ("limit", "of_containers", "size"),
    [
        ("1Mi", ["2Mi"], 1 << 20),
        ("8Mi", ["2Mi", "2Mi"], 4 << 20),
        (None, ["2Mi"], 2 << 20),
        (None, ["2Mi", None], 64 << 20),
        ("1Gi", [None], 64 << 20),
    ],
)
def test_memory_is_no_more_than_the_pod_may_use(limit: str | None, of_containers: list[str | None], size: int) -> None:
    containers = [{"resources": {"limits": {"memory": each}} if each else {}} for each in of_containers]
    node = NodeContext("lab", "n", "", "", allocatable={"memory": "64Mi"})
    assert memory_size({"spec": {"containers": containers}}, limit, node) == size


def test_huge_pages_are_refused(bench: Bench) -> None:
    assert bench.failure({"emptyDir": {"medium": "HugePages-2Mi"}}) == (
        'storage medium "HugePages-2Mi" is not supported: this node sets no huge pages aside'
    )


# hostPath


def test_host_path_types(bench: Bench, tmp_path: Path) -> None:
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
    good = [
        ("", folder),
        ("", tmp_path / "made"),
        ("Directory", folder),
        ("DirectoryOrCreate", tmp_path / "a" / "b"),
        ("File", file),
        ("FileOrCreate", tmp_path / "new"),
        ("Socket", tmp_path / "socket"),
        ("CharDevice", Path("/dev/null")),
    ]
    for type, path in good:
        assert bench.folder({"hostPath": {"path": str(path), "type": type}}) == path
        assert path.exists()


@pytest.mark.parametrize(
    ("type", "path", "sentence"),
    [
        ("Directory", "file", "hostPath type check failed: {} is not a directory"),
        ("Directory", "none", "hostPath type check failed: {} is not a directory"),
        ("DirectoryOrCreate", "file", "hostPath type check failed: {} is not a directory"),
        ("File", "none", "hostPath type check failed: {} is not a file"),
        ("Socket", "file", "hostPath type check failed: {} is not a socket file"),
        ("CharDevice", "file", "hostPath type check failed: {} is not a character device"),
        ("BlockDevice", "file", "hostPath type check failed: {} is not a block device"),
        ("Sock", "file", "hostPath type Sock is not known"),
    ],
)
def test_host_path_refusals(bench: Bench, tmp_path: Path, type: str, path: str, sentence: str) -> None:
    (tmp_path / "file").touch()
    wanted = str(tmp_path / path)
    assert bench.failure({"hostPath": {"path": wanted, "type": type}}) == sentence.format(wanted)


# Projections


@pytest.mark.parametrize(
    ("volume", "files"),
    [
        ({"configMap": {"name": "cfg"}}, {"a.conf": b"one", "b.conf": b"two", "blob": b"\xff\x00"}),
        ({"configMap": {"name": "cfg", "items": [{"key": "a.conf", "path": "etc/x"}]}}, {"etc/x": b"one"}),
        ({"configMap": {"name": "no", "optional": True}}, {}),
        (
            {
                "configMap": {
                    "name": "cfg",
                    "optional": True,
                    "items": [{"key": "z", "path": "z"}, {"key": "a.conf", "path": "a"}],
                }
            },
            {"a": b"one"},
        ),
        ({"secret": {"secretName": "pw"}}, {"user": b"admin"}),
        (
            {
                "downwardAPI": {
                    "items": [
                        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                        {"path": "cpu", "resourceFieldRef": {"containerName": "web", "resource": "limits.cpu"}},
                    ]
                }
            },
            {"labels": b'app="web"', "cpu": b"2"},
        ),
        (
            {
                "projected": {
                    "sources": [
                        {"configMap": {"name": "cfg", "items": [{"key": "a.conf", "path": "c/a"}]}},
                        {"secret": {"name": "pw"}},
                        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
                    ]
                }
            },
            {"c/a": b"one", "user": b"admin", "name": b"web-0"},
        ),
    ],
)
def test_projected_files(bench: Bench, volume: Object, files: dict[str, bytes]) -> None:
    assert contents(bench.folder(volume)) == files
    assert bench.source(volume).read_only


@pytest.mark.parametrize(
    ("volume", "sentence"),
    [
        ({"configMap": {"name": "no"}}, 'configmap "no" not found'),
        ({"secret": {"secretName": "no"}}, 'secret "no" not found'),
        (
            {"configMap": {"name": "cfg", "items": [{"key": "z", "path": "z"}]}},
            "configmap references non-existent config key: z",
        ),
        (
            {"secret": {"secretName": "pw", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent secret key: z",
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}},
            "service account tokens are not available on this node",
        ),
        (
            {"projected": {"sources": [{"clusterTrustBundle": {}}]}},
            "a projected volume's source clusterTrustBundle is not supported",
        ),
        (
            {"configMap": {"name": "cfg", "items": [{"key": "a.conf", "path": "../a"}]}},
            "path ../a leads out of the volume",
        ),
        (
            {"nfs": {"server": "s", "path": "/"}},
            "volumes of type nfs are not supported: use one of emptyDir, hostPath, configMap, downwardAPI, secret, "
            "projected, persistentVolumeClaim, ephemeral",
        ),
    ],
)
def test_what_cannot_be_had_is_named(bench: Bench, volume: Object, sentence: str) -> None:
    assert bench.failure(volume) == sentence


def test_modes(bench: Bench) -> None:
    items = [{"key": "a.conf", "path": "a", "mode": 0o600}, {"key": "b.conf", "path": "b"}]
    folder = bench.folder({"configMap": {"name": "cfg", "items": items, "defaultMode": 0o640}})
    assert (mode(folder / "a"), mode(folder / "b")) == (0o600, 0o640)
    assert mode(bench.folder({"configMap": {"name": "cfg"}}) / "a.conf") == 0o644


def test_all_files_change_at_once(bench: Bench) -> None:
    volume = {"configMap": {"name": "cfg"}}
    folder = bench.folder(volume)
    first = (folder / "..data").resolve()
    bench.folder(volume)
    assert (folder / "..data").resolve() == first
    bench.lookup.config_map("cfg", {"a.conf": "new", "c.conf": "three"})
    bench.folder(volume)
    assert contents(folder) == {"a.conf": b"new", "c.conf": b"three"}
    assert not first.exists()
    current = (folder / "..data").readlink().name
    assert {entry.name for entry in folder.iterdir()} == {"..data", current, "a.conf", "c.conf"}


def test_an_interrupted_change_is_completed(bench: Bench) -> None:
    folder = bench.folder({"configMap": {"name": "cfg"}})
    (folder / "..data_tmp").symlink_to("..gone")
    (folder / "..gone").mkdir()
    (folder / "a.conf").unlink()
    bench.folder({"configMap": {"name": "cfg"}})
    assert contents(folder)["a.conf"] == b"one"
    assert not (folder / "..gone").exists()
    (folder / "..data").unlink()
    bench.folder({"configMap": {"name": "cfg"}})
    assert contents(folder)["a.conf"] == b"one"


def test_tokens(bench: Bench) -> None:
    def token(pod: Object, audience: str, seconds: int) -> str:
        return f"{pod['metadata']['name']} {audience} {seconds}"

    sources = [{"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 600}}]
    prepared = VolumeManager(bench.folders, bench.lookup, NODE, tokens=token).prepare(
        pod({"projected": {"sources": sources}})
    )
    assert prepared["v0"].path is not None
    assert contents(prepared["v0"].path) == {"token": b"web-0 vault 600"}


def test_secrets_stay_in_memory(bench: Bench, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    folders = VolumeFolders(tmp_path / "node", memory=memory)
    manager = VolumeManager(folders, bench.lookup, NODE)
    path = manager.prepare(pod({"secret": {"secretName": "pw"}}))["v0"].path
    assert path == memory / "u1" / "v0"
    assert mode(memory) == 0o700
    assert folders.pods() == {"u1"}
    manager.teardown("u1")
    assert not path.exists()


# Mounts


def mounts(bench: Bench, *entries: Object, env: tuple[tuple[str, str], ...] = ()) -> list[Mount]:
    owner = pod({"emptyDir": {}}, {"configMap": {"name": "cfg"}})
    container = {"name": "web", "volumeMounts": list(entries)}
    return bench.manager.mounts(owner, container, bench.manager.prepare(owner), env)


def test_mounts(bench: Bench) -> None:
    data, config = mounts(bench, {"name": "v0", "mountPath": "/data"}, {"name": "v1", "mountPath": "/etc/app"})
    assert (data.target, data.kind, data.read_only, data.propagation) == ("/data", "bind", False, "")
    assert data.source == str(bench.folder({"emptyDir": {}}))
    assert (config.target, config.read_only) == ("/etc/app", True)


def test_read_only_and_propagation(bench: Bench) -> None:
    entry = {"name": "v0", "mountPath": "/data", "readOnly": True, "mountPropagation": "HostToContainer"}
    (mount,) = mounts(bench, entry)
    assert (mount.read_only, mount.propagation) == (True, "rslave")


def test_a_sub_path_is_made(bench: Bench) -> None:
    (mount,) = mounts(bench, {"name": "v0", "mountPath": "/data", "subPath": "a/b"})
    made = bench.folder({"emptyDir": {}}) / "a" / "b"
    assert Path(mount.source).samefile(made)
    assert mode(made) == mode(made.parent) == 0o777


def test_a_sub_path_of_a_file(bench: Bench) -> None:
    (mount,) = mounts(bench, {"name": "v1", "mountPath": "/etc/a.conf", "subPath": "a.conf"})
    assert Path(mount.source).read_bytes() == b"one"
    assert mount.read_only


def test_a_sub_path_from_the_environment(bench: Bench) -> None:
    (mount,) = mounts(
        bench, {"name": "v0", "mountPath": "/data", "subPathExpr": "logs/$(POD)"}, env=(("POD", "web-0"),)
    )
    assert Path(mount.source).samefile(bench.folder({"emptyDir": {}}) / "logs" / "web-0")


def test_a_sub_path_from_a_variable_that_there_is_not(bench: Bench) -> None:
    with pytest.raises(VolumeError, match='failed to expand subPath for volumeMount "v0": missing value for "POD"'):
        mounts(bench, {"name": "v0", "mountPath": "/data", "subPathExpr": "logs/$(POD)"})


def test_a_sub_path_stays_in_its_volume(bench: Bench, tmp_path: Path) -> None:
    (bench.folder({"emptyDir": {}}) / "away").symlink_to(tmp_path)
    for below in ("away", "away/x", "../x"):
        with pytest.raises(VolumeError, match="leads out of the volume"):
            mounts(bench, {"name": "v0", "mountPath": "/data", "subPath": below})


@pytest.mark.skipif(not mounts_of_machine.allowed(), reason="we may not mount here")
def test_a_sub_path_that_becomes_a_link_after_it_was_looked_at(bench: Bench, tmp_path: Path) -> None:
    """What the engine gets is what was looked at, wherever the volume's path leads by then."""
    part = bench.folder({"emptyDir": {}}) / "part"
    (mount,) = mounts(bench, {"name": "v0", "mountPath": "/data", "subPath": "part"})
    (part / "mine").touch()
    part.rename(part.with_name("moved"))
    part.symlink_to(tmp_path)
    assert [file.name for file in Path(mount.source).iterdir()] == ["mine"]


def test_a_link_put_into_the_way_while_the_path_is_walked(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bench.folder({"emptyDir": {}})
    resolve = os.path.realpath

    def resolve_and_swap(path: Any) -> str:
        found = resolve(path)
        if Path(path).name == "part":
            (folder / "part").symlink_to(tmp_path)
        return found

    monkeypatch.setattr(sub_path.os.path, "realpath", resolve_and_swap)
    with pytest.raises(VolumeError, match="part became a link while it was looked at"):
        mounts(bench, {"name": "v0", "mountPath": "/data", "subPath": "part"})


def test_a_container_that_starts_again_mounts_the_sub_path_anew(bench: Bench) -> None:
    for kind in ("a.conf", "b.conf"):
        (mount,) = mounts(bench, {"name": "v1", "mountPath": "/etc/conf", "subPath": kind})
        assert Path(mount.source).read_bytes() == {"a.conf": b"one", "b.conf": b"two"}[kind]


def test_teardown_leaves_what_a_sub_path_shows(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "host" / "part").mkdir(parents=True)
    (tmp_path / "host" / "part" / "mine").touch()
    owner = pod({"hostPath": {"path": str(tmp_path / "host")}})
    container = {"name": "web", "volumeMounts": [{"name": "v0", "mountPath": "/data", "subPath": "part"}]}
    bench.manager.mounts(owner, container, bench.manager.prepare(owner))
    bench.manager.teardown("u1")
    assert (tmp_path / "host" / "part" / "mine").exists()
    assert bench.folders.pods() == set()


def test_a_volume_that_there_is_not(bench: Bench) -> None:
    with pytest.raises(VolumeError, match="mounts volume v9, which the pod has not"):
        mounts(bench, {"name": "v9", "mountPath": "/data"})


# Teardown


def test_teardown_takes_one_pods_volumes(bench: Bench) -> None:
    bench.manager.prepare(pod({"emptyDir": {}}, uid="u1"))
    bench.manager.prepare(pod({"emptyDir": {}}, uid="u2"))
    VolumeFolders(bench.root / "node").remove("u1")
    bench.manager.teardown("u1")
    assert bench.folders.pods() == {"u2"}


def test_what_only_root_may_delete_is_emptied_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a container's root, for an agent that is not root."""
    emptied: list[Path] = []
    rmtree = shutil.rmtree

    def guarded(folder: Path) -> None:
        if not emptied:
            raise PermissionError(13, "Permission denied")
        rmtree(folder)

    monkeypatch.setattr(volume_folders.shutil, "rmtree", guarded)
    bench.folder({"emptyDir": {}})
    with pytest.raises(VolumeError, match=r"the volumes of pod u1 cannot be removed: .*Permission denied"):
        bench.manager.teardown("u1")
    VolumeFolders(bench.root / "node", empty=emptied.append).remove("u1")
    assert emptied == [bench.root / "node" / "pods" / "u1"]
    assert bench.folders.pods() == set()


def test_teardown_leaves_what_host_path_points_to(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    bench.folder({"hostPath": {"path": str(tmp_path / "mine")}})
    bench.folder({"emptyDir": {}})
    bench.manager.teardown("u1")
    assert (tmp_path / "mine").is_dir()
