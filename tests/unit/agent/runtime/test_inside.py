from __future__ import annotations

import pytest

from agent.runtime.base import ContainerSpec, Mount
from agent.runtime.inside import HostPaths, host_paths, own_container

ID = "ab" * 32
IN_A_CONTAINER = f"""\
1179 1115 0:142 / / rw,relatime master:406 - overlay overlay rw
1195 1179 254:0 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/root rw
"""
ON_THE_HOST = "25 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"


def test_the_container_we_run_in() -> None:
    assert own_container(IN_A_CONTAINER) == ID
    assert own_container(ON_THE_HOST) == ""


@pytest.mark.parametrize(
    ("path", "on_the_host"),
    [
        ("/var/lib/podlab/nodes/n1", "/var/lib/docker/volumes/podlab/_data/nodes/n1"),
        ("/var/lib/podlab", "/var/lib/docker/volumes/podlab/_data"),
        ("/var/lib/podlab/deep/a", "/elsewhere/a"),
        ("/var/lib/podlab2", "/var/lib/podlab2"),
        ("/srv", "/srv"),
    ],
)
def test_our_mounts_lie_elsewhere_on_the_host(path: str, on_the_host: str) -> None:
    paths = host_paths(
        {
            "Mounts": [
                {"Destination": "/var/lib/podlab", "Source": "/var/lib/docker/volumes/podlab/_data"},
                {"Destination": "/var/lib/podlab/deep", "Source": "/elsewhere"},
                {"Destination": "/tmp", "Source": ""},
            ]
        }
    )
    assert paths.of(path) == on_the_host


def test_only_paths_are_translated() -> None:
    paths = HostPaths({"/home": "/real"})
    mounts = [Mount("/a", "/home/x"), Mount("/b", "volume"), Mount("/c", kind="tmpfs")]
    made = paths.translate(ContainerSpec("a", "i", {}, mounts=mounts))
    assert [mount.source for mount in made.mounts] == ["/real/x", "volume", ""]
