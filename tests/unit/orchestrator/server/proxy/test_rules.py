"""Names, headers and links, as tables."""

from __future__ import annotations

import pytest

from orchestrator.server.proxy import headers
from orchestrator.server.proxy.links import Place, Rewriter
from orchestrator.server.proxy.names import ProxyName, port_number, split

PREFIX = "/api/v1/namespaces/default/pods/web/proxy"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("web", ProxyName("web")),
        ("web:80", ProxyName("web", port="80")),
        ("web:http", ProxyName("web", port="http")),
        ("web:", ProxyName("web")),
        ("https:web:443", ProxyName("web", "https", "443")),
        ("https:web:", ProxyName("web", "https")),
        (":web:80", ProxyName("web", "", "80")),
        ("", None),
        (":80", None),
        ("ftp:web:21", None),
        ("http::80", None),
        ("a:b:c:d", None),
    ],
)
def test_names(text: str, name: ProxyName | None) -> None:
    assert split(text) == name


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("65535", 65535), ("65536", None), ("0", None), ("", None), ("+1", None), ("²", None)],
)
def test_port_numbers(text: str, number: int | None) -> None:
    assert port_number(text) == number


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ([("Content-Length", "5")], ("Content-Length", "5")),
        ([("Content-Length", "0")], None),
        ([("Transfer-Encoding", "Chunked"), ("Content-Length", "5")], ("Transfer-Encoding", "chunked")),
        ([], None),
    ],
)
def test_where_a_body_ends(given: list[headers.Header], body: headers.Header | None) -> None:
    assert headers.framing(given) == body


def test_request_headers() -> None:
    given = [
        ("Host", "api"),
        ("Connection", "close, x-once"),
        ("X-Once", "1"),
        ("Te", "trailers"),
        ("Impersonate-User", "u"),
        ("Authorization", "Basic x"),
        ("Expect", "100-continue"),
        ("Accept", "a"),
        ("Content-Length", "0"),
    ]
    assert headers.request_headers(given, "192.0.2.1", "/p") == [
        ("Host", "api"),
        ("Accept", "a"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-Uri", "/p"),
        ("Content-Length", "0"),
        ("Connection", "close"),
    ]


def test_an_upgrade_stays_one() -> None:
    given = [("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "k")]
    passed = headers.request_headers(given, "192.0.2.1", "/p")
    assert passed[0] == ("Sec-WebSocket-Key", "k")
    assert passed[-2:] == [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    assert headers.upgrade([("Upgrade", "websocket")]) == ""


def test_answer_headers() -> None:
    given = [("Connection", "X-Once"), ("X-Once", "1"), ("Keep-Alive", "5"), ("Set-Cookie", "a"), ("Set-Cookie", "b")]
    cors = [("Access-Control-Allow-Origin", "*")]
    assert headers.answer_headers(given + cors) == [("Set-Cookie", "a"), ("Set-Cookie", "b")]


@pytest.mark.parametrize(
    ("link", "rewritten"),
    [
        ("/a/?b=c#d", f"{PREFIX}/a/?b=c#d"),
        ("/", f"{PREFIX}/"),
        ("a/b", "a/b"),
        ("../a", "../a"),
        ("?a=b", "?a=b"),
        ("#top", "#top"),
        ("mailto:a@b", "mailto:a@b"),
        (f"{PREFIX}/a", f"{PREFIX}/a"),
        (f"{PREFIX}-not/a", f"{PREFIX}{PREFIX}-not/a"),
        ("http://10.0.0.1:80/a", f"{PREFIX}/a"),
        ("https://api:6443/a", f"{PREFIX}/a"),
        ("//api:6443/a", f"{PREFIX}/a"),
        ("http://elsewhere/a", "http://elsewhere/a"),
        ("//elsewhere/a", "//elsewhere/a"),
        ("http://[broken/a", "http://[broken/a"),
    ],
)
def test_links(link: str, rewritten: str) -> None:
    assert Rewriter(Place(PREFIX, "/x"), ("10.0.0.1:80", "api:6443"))(link) == rewritten


def test_places() -> None:
    assert (Place(PREFIX, "", "a=b").inner, Place(PREFIX, "", "a=b").with_slash) == ("/?a=b", f"{PREFIX}/?a=b")
    assert Place(PREFIX, "/x/").path == f"{PREFIX}/x/"
