"""Sockets in a pod's own network, where its programs may listen on 127.0.0.1 alone.

A socket belongs for good to the network namespace it was made in, so a thread that ends at once enters it to make one.
That takes root's rights (CAP_SYS_ADMIN) and an engine on this machine; without, a pod is reached by its address.
"""

from __future__ import annotations

import ctypes
import logging
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

LOCALHOST = "127.0.0.1"
#: <sched.h>
_CLONE_NEWNET = 0x40000000


@dataclass(frozen=True, slots=True)
class Network:
    """`pid` is a process of the pod's on this machine, 0 for the machine's own network; `address` is the pod's."""

    address: str
    pid: int = 0

    def socket(self) -> tuple[socket.socket, str]:
        """A TCP socket, not connected yet, and the address at which it reaches the pod's ports."""
        if not self.pid:
            return socket.socket(), self.address
        try:
            with ThreadPoolExecutor(1, "pod-network") as thread:
                return thread.submit(_socket_inside, self.pid, self.address).result(), LOCALHOST
        except OSError as error:
            log.info("the network of process %d cannot be entered, %s is dialled: %s", self.pid, self.address, error)
            return socket.socket(), self.address


def _socket_inside(pid: int, address: str) -> socket.socket:
    """For a thread of its own. Raises OSError, also where the process is not the pod's (the engine is elsewhere)."""
    _enter(Path(f"/proc/{pid}/ns/net"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
    return socket.socket()


def _enter(namespace: Path) -> None:
    # os.setns is of Python 3.12.
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, _CLONE_NEWNET):
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(namespace))
    finally:
        os.close(descriptor)
