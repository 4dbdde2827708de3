from __future__ import annotations

from agent.runtime.node import Resolver
from agent.runtime.resolver import parse_resolv_conf

RESOLV_CONF = """\
# made by hand
nameserver 192.168.1.1 # the router
nameserver 127.0.0.53
search lan home.lan
options ndots:2 edns0
"""


def test_a_resolv_conf() -> None:
    expected = Resolver(("192.168.1.1",), ("lan", "home.lan"), ("ndots:2", "edns0"))
    assert parse_resolv_conf(RESOLV_CONF) == expected


def test_the_last_search_list_counts() -> None:
    assert parse_resolv_conf("domain a\nsearch b c\n").searches == ("b", "c")
    assert parse_resolv_conf("search .\n").searches == ()


def test_an_empty_one() -> None:
    assert parse_resolv_conf("\n\nnameserver\n") == Resolver()
