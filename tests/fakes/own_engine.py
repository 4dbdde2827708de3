"""A Docker Engine of a test's own, in a network of its own, that may be stopped, killed and started again."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from agent.runtime.base import RuntimeFailure
from agent.runtime.docker import DockerRuntime

_NEEDED = ("dockerd", "containerd", "ip", "nsenter", "umount")


def lacking() -> str:
    """What this machine lacks to run a second engine, "" for nothing."""
    if os.geteuid() != 0:
        return "root"
    return next((program for program in _NEEDED if shutil.which(program) is None), "")


class OwnEngine:
    """`folder` holds its data, which outlives its processes. A short path: sockets are made in it."""

    def __init__(self, folder: Path, *, live_restore: bool) -> None:
        self._folder = folder
        self._network = f"podlab-{secrets.token_hex(3)}"
        self._options = ["--live-restore"] if live_restore else []
        self._containerd: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{folder}/docker.sock"
        # What it has of containerd's plugins else wants ports and folders of the whole machine.
        (folder / "containerd.toml").write_text('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
        subprocess.run(["ip", "netns", "add", self._network], check=True)

    def start(self) -> None:
        """Returns when it answers."""
        folder = self._folder
        socket = f"{folder}/run/containerd.sock"
        if self._containerd is None:
            command = ["containerd", "--config", f"{folder}/containerd.toml", "--address", socket]
            command += ["--root", f"{folder}/data/containerd", "--state", f"{folder}/run/containerd"]
            self._containerd = self._run(command)
            self._await(Path(socket).exists)
        command = ["nsenter", f"--net=/run/netns/{self._network}", "dockerd", "--host", self.url, *self._options]
        command += [f"--data-root={folder}/data", f"--exec-root={folder}/run", f"--pidfile={folder}/run/pid"]
        command += ["--containerd", socket, "--containerd-namespace", self._network]
        # No rules of a firewall are needed: its containers talk to nobody.
        self._process = self._run([*command, "--bip=10.199.0.1/16", "--iptables=false"])
        self._await(self._answers)

    def stop(self) -> None:
        """As `systemctl stop docker` does."""
        self._end(signal.SIGTERM)

    def crash(self) -> None:
        self._end(signal.SIGKILL)

    def power_off(self) -> None:
        """All its processes end at once, those in its containers too, and `/run` is empty; its data stay."""
        if self._process is not None:
            self.crash()
        if self._containerd is not None:
            self._containerd.kill()
            self._containerd.wait(30)
            self._containerd = None
        for process in self._processes():
            process.kill()
        self._await(lambda: not self._processes())
        self._unmount()
        shutil.rmtree(self._folder / "run")

    def close(self) -> None:
        """Leave nothing of it."""
        self.power_off()
        subprocess.run(["ip", "netns", "del", self._network], check=True)
        shutil.rmtree(self._folder)

    def pause(self) -> None:
        """It hangs: connections are taken, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "log").read_text()[-3000:]
        try:
            DockerRuntime(self.url).info()
        except RuntimeFailure:
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(30)
        self._process = None

    def _processes(self) -> list[psutil.Process]:
        """Its shims, and what runs in its containers: they, or what started them, have its folder in their command."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            family = (process, *process.parents())
            return any(f"{self._folder}/" in " ".join(member.cmdline()) for member in family)
        except psutil.NoSuchProcess:
            return False

    def _unmount(self) -> None:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        targets = [line.split()[1] for line in mounts if line.split()[1].startswith(f"{self._folder}/")]
        for target in reversed(targets):
            subprocess.run(["umount", "--lazy", target], check=True)

    def _await(self, check: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not check():
            assert time.monotonic() < deadline, (self._folder / "log").read_text()[-3000:]
            time.sleep(0.05)


@contextmanager
def own_engine(folder: Path, *, live_restore: bool = False) -> Iterator[OwnEngine]:
    """An engine that runs, and nothing of it afterwards."""
    made = OwnEngine(folder, live_restore=live_restore)
    try:
        made.start()
        yield made
    finally:
        made.close()
