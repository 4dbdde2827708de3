"""Which resolvers the machine has."""

from __future__ import annotations

import os
from pathlib import Path

from agent.dns.resolv import Resolvers, nameservers

TEXT = """\
# made by NetworkManager
search example.org
nameserver 192.0.2.1
nameserver 10.96.0.10
nameserver fe80::1%eth0
nameserver 192.0.2.1
nameserver
options ndots:5
nameserver 192.0.2.2
nameserver 192.0.2.3
nameserver 192.0.2.4
"""


def test_nameservers_without_ourselves_and_no_more_than_three() -> None:
    assert nameservers(TEXT, skip=("10.96.0.10",)) == ("192.0.2.1", "192.0.2.2", "192.0.2.3")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    resolvers = Resolvers(file)
    assert resolvers.current() == ()
    file.write_text("nameserver 192.0.2.1\n")
    assert resolvers.current() == ("192.0.2.1",)
    file.write_text("nameserver 192.0.2.2\n")
    os.utime(file, ns=(1, 1))
    assert resolvers.current() == ("192.0.2.2",)
    file.unlink()
    assert resolvers.current() == ()
