"""What users are told when an address cannot be served."""

from __future__ import annotations

import errno
import os

import pytest

from agent.proxy.server import explain
from agent.proxy.table import Frontend


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.EADDRINUSE, "another program on the node has the port: stop it, or give the Service another port"),
        (errno.EACCES, "run podlab as root or with CAP_NET_BIND_SERVICE"),
        (errno.EADDRNOTAVAIL, "not an address of the node"),
        (errno.EMFILE, "Too many open files"),
    ],
)
def test_the_message_says_what_to_do(code: int, remedy: str) -> None:
    message = explain(Frontend("0.0.0.0", 80), OSError(code, os.strerror(code)), 10.0)
    assert message.startswith("0.0.0.0:80/TCP cannot be served: ")
    assert remedy in message
    assert message.endswith("trying again every 10 s")
