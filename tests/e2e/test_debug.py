"""kubectl debug as users type it, with the newest and the oldest kubectl, on real containers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.e2e.harness import RealCluster, eventually
from tests.e2e.terminal import terminal

pytestmark = [pytest.mark.engine, pytest.mark.kubectl, pytest.mark.usefixtures("pods")]

_PODS = """
apiVersion: v1
kind: Pod
metadata: {{name: app}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {{name: main, image: {busybox}, command: [sh, -c, "httpd -f -p 8080 & exec sleep 7654"]}}
  - {{name: side, image: {busybox}, command: [sleep, "7655"]}}
"""


@pytest.fixture(scope="module")
def pods(cluster: RealCluster, busybox_image: str) -> Iterator[RealCluster]:
    manifest = _PODS.format(busybox=busybox_image)
    cluster.kubectl("apply", "-f", "-", stdin=manifest)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/app", "--timeout=60s")
    yield cluster
    cluster.kubectl("delete", "-f", "-", "--timeout=60s", stdin=manifest)


def named(user: RealCluster, name: str) -> str:
    """A name of this kubectl's own: ephemeral containers stay."""
    return f"{name}-{user.kubectl_binary.name.rpartition('.')[2]}"


def debug(user: RealCluster, *arguments: str) -> None:
    user.kubectl("debug", "app", "--attach=false", *arguments)


def state(user: RealCluster, pod: str, container: str) -> dict[str, dict[str, object]]:
    found = user.get("pod", pod)["status"].get("ephemeralContainerStatuses") or []
    return next((entry["state"] for entry in found if entry["name"] == container), {})


def test_a_shell_beside_a_container(user: RealCluster, busybox_image: str) -> None:
    name = named(user, "shell")
    command = ["debug", "app", "-it", f"--image={busybox_image}", "--target=main", "-c", name, "--", "sh"]
    with terminal(user, *command) as typed:
        typed.expect(r"press(ing)? enter")
        typed.type("ps | grep '765[4]'; wget -qO- localhost:8080/none; echo $((6 * 7))\n")
        typed.expect(r"1 root +sleep 7654")
        typed.expect(r"404 Not Found")
        typed.expect(r"42\r\n")
        user.kubectl("exec", "app", "-c", name, "--", "touch", "/tmp/there")
        typed.type("ls /tmp; exit 3\n")
        typed.expect(r"there\r\n")
        typed.process.wait(20)
    ended = eventually(lambda: state(user, "app", name).get("terminated"))
    assert ended["exitCode"] == 3
    described = user.kubectl("describe", "pod", "app").stdout
    assert "Ephemeral Containers:" in described and f"  {name}:" in described
    assert f"Started container {name}" in described
    assert "42" in user.kubectl("logs", "app", "-c", name).stdout
    assert user.get("pod", "app")["status"]["containerStatuses"][0]["restartCount"] == 0


def test_without_a_target_it_sees_its_own_processes(user: RealCluster, busybox_image: str) -> None:
    name = named(user, "apart")
    debug(user, f"--image={busybox_image}", "-c", name, "--", "ps")
    eventually(lambda: "terminated" in state(user, "app", name))
    said = user.kubectl("logs", "app", "-c", name).stdout
    assert "1 root     ps" in said and "sleep 765" not in said


@pytest.mark.parametrize(("profile", "bit"), [("general", 19), ("netadmin", 12)])
def test_profiles_that_add_capabilities(user: RealCluster, busybox_image: str, profile: str, bit: int) -> None:
    """CAP_SYS_PTRACE and CAP_NET_ADMIN, as the kernel numbers them."""
    name = named(user, profile)
    command = ["grep", "CapEff", "/proc/1/status"]
    debug(user, f"--image={busybox_image}", f"--profile={profile}", "-c", name, "--", *command)
    eventually(lambda: "terminated" in state(user, "app", name))
    effective = int(user.kubectl("logs", "app", "-c", name).stdout.split()[1], 16)
    assert effective & 1 << bit


def test_the_sysadmin_profile_asks_for_a_privileged_container(pods: RealCluster, busybox_image: str) -> None:
    """Whether it may be one is the engine's to say: one that is itself in a container may not give all it has not."""
    debug(pods, f"--image={busybox_image}", "--profile=sysadmin", "-c", "sysadmin", "--", "true")
    ended = eventually(lambda: state(pods, "app", "sysadmin").get("terminated"))
    id = str(ended["containerID"]).removeprefix("docker://")
    command = ["docker", "inspect", "-f", "{{.HostConfig.Privileged}}", id]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "true\n"


def test_the_restricted_profile_refuses_root(user: RealCluster, busybox_image: str) -> None:
    name = named(user, "restricted")
    debug(user, f"--image={busybox_image}", "--profile=restricted", "-c", name, "--", "true")
    waiting = eventually(
        lambda: (w := state(user, "app", name).get("waiting", {})).get("reason") == "CreateContainerConfigError" and w
    )
    assert "runAsNonRoot" in str(waiting["message"])


def test_a_copy_with_other_images_and_shared_processes(user: RealCluster, busybox_image: str) -> None:
    copy = named(user, "copy")
    user.kubectl("debug", "app", "--attach=false", f"--copy-to={copy}", f"--set-image=main={busybox_image}",
                 f"--image={busybox_image}", "--share-processes", "-c", "look", "--", "sleep", "7656")  # fmt: skip
    user.kubectl("wait", "--for=condition=Ready", f"pod/{copy}", "--timeout=60s")
    seen = user.kubectl("exec", copy, "-c", "look", "--", "ps").stdout
    assert all(f"sleep {number}" in seen for number in (7654, 7655, 7656))
    user.kubectl("delete", "pod", copy, "--grace-period=1")


def test_a_copy_with_another_command(user: RealCluster) -> None:
    copy = named(user, "other")
    user.kubectl("debug", "app", "--attach=false", f"--copy-to={copy}", "--container=main", "--", "sleep", "9")
    assert user.get("pod", copy)["spec"]["containers"][0]["command"] == ["sleep", "9"]
    user.kubectl("delete", "pod", copy, "--grace-period=1")


def test_a_node(user: RealCluster, busybox_image: str) -> None:
    node = user.get("nodes")["items"][0]["metadata"]["name"]
    with terminal(user, "debug", f"node/{node}", "-it", f"--image={busybox_image}", "--", "sh") as typed:
        typed.expect(r"Creating debugging pod (\S+)")
        typed.expect(r"press(ing)? enter")
        typed.type("chroot /host sh -c 'echo root of $(cat /etc/hostname | wc -l)'\n")
        typed.expect(r"root of 1\r\n")
        typed.type("ps | grep -c 'agen[t] --home'; ip addr | grep -c docker0\n")
        typed.expect(r"[1-9]\d*\r\n[1-9]\d*\r\n")
        typed.type("exit\n")
        assert typed.process.wait(20) == 0
    (pod,) = [p for p in user.get("pods")["items"] if p["metadata"]["name"].startswith("node-debugger-")]
    (address,) = [a["address"] for a in user.get("node", node)["status"]["addresses"] if a["type"] == "InternalIP"]
    assert pod["status"]["podIP"] == pod["status"]["hostIP"] == address
    user.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=1")
