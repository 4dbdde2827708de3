from __future__ import annotations

import pytest

from orchestrator.server.requestline import RequestLine, UnknownVersion, parse


@pytest.mark.parametrize(
    ("line", "parsed"),
    [
        (b"GET / HTTP/1.1", (b"GET", b"/", b"/", b"", "1.1")),
        (b"GET /a?b=%20&c=? HTTP/1.0", (b"GET", b"/a?b=%20&c=?", b"/a", b"b=%20&c=?", "1.0")),
        (b"GET /a? HTTP/1.1", (b"GET", b"/a?", b"/a", b"", "1.1")),
        (
            b"PATCH /a%20b/%2e%2Fc%2fd/%zz HTTP/1.1",
            (b"PATCH", b"/a%20b/%2e%2Fc%2fd/%zz", b"/a b/.%2Fc%2Fd/%zz", b"", "1.1"),
        ),
        (b"GET /\xc3\xa9 HTTP/1.1", (b"GET", b"/\xc3\xa9", b"/\xc3\xa9", b"", "1.1")),
    ],
)
def test_parse(line: bytes, parsed: tuple[bytes, bytes, bytes, bytes, str]) -> None:
    assert parse(line + b"\r\n") == RequestLine(*parsed)


@pytest.mark.parametrize(
    "line",
    [
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1",
        b"GET /\r\n",
        b"GET  / HTTP/1.1\r\n",
        b" GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1 \r\n",
        b"get / HTTP/1.1\r\n",
        b"GET a HTTP/1.1\r\n",
        b"GET * HTTP/1.1\r\n",
        b"GET //elsewhere/a HTTP/1.1\r\n",
        b"GET http://elsewhere/a HTTP/1.1\r\n",
        b"CONNECT elsewhere:443 HTTP/1.1\r\n",
        b"GET /a#b HTTP/1.1\r\n",
        b"GET /a?b#c HTTP/1.1\r\n",
        b"GET /a\rX:y HTTP/1.1\r\n",
        b"GET /a\x00 HTTP/1.1\r\n",
        b"GET /a\tb HTTP/1.1\r\n",
        b"GET / HTTP/1.10\r\n",
        b"GET / ICY/1.1\r\n",
        b"",
    ],
)
def test_refused(line: bytes) -> None:
    with pytest.raises(ValueError, match="Malformed"):
        parse(line)


@pytest.mark.parametrize("version", [b"0.9", b"1.2", b"2.0"])
def test_another_version(version: bytes) -> None:
    with pytest.raises(UnknownVersion):
        parse(b"GET / HTTP/" + version + b"\r\n")
