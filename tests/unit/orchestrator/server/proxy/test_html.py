"""Links of pages that come in pieces of any size."""

from __future__ import annotations

import gzip
import itertools
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.server.proxy.html import inflated, rewritten

PAGE = """<!DOCTYPE html>
<!-- <a href="/comment"> --><html
 lang=de><head><script src='/s.js'></script><script>if (1 < 2) write('<a href="/text">')</script>
<style>a > b {}</style><link rel=stylesheet href=/style.css><base href="/"/></head>
<BODY>Gr\xfc\xdfe &amp; &euro; <A
   title="href=/no" HREF="/a?b=1&amp;c=2" download>a</A><img alt=">" src="x.png"><p href="/not-a-link">
<form action="/post" method=post><input disabled></form> 1 < 2 <![CDATA[x]]> <?php ?> </BODY></html> <a href="/cut"""
EXPECTED = (
    PAGE.replace("<script src='/s.js'>", '<script src="P/s.js">')
    .replace("<link rel=stylesheet href=/style.css>", '<link rel="stylesheet" href="P/style.css">')
    .replace('<base href="/"/>', '<base href="P/"/>')
    .replace(
        '<A\n   title="href=/no" HREF="/a?b=1&amp;c=2" download>',
        '<a title="href=/no" href="P/a?b=1&amp;c=2" download>',
    )
    .replace('<form action="/post" method=post>', '<form action="P/post" method="post">')
)


def rewrite(link: str) -> str:
    return f"P{link}" if link.startswith("/") else link


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(PAGE)), max_size=12))
def test_a_page_in_pieces(cuts: list[int]) -> None:
    data, edges = PAGE.encode("latin-1"), [0, *sorted(cuts), len(PAGE)]
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert b"".join(rewritten(pieces, rewrite)).decode("latin-1") == EXPECTED


@given(st.binary())
def test_whatever_has_no_links_stays(data: bytes) -> None:
    assert b"".join(rewritten([data, data], lambda link: link)) == data + data


def test_a_character_that_the_page_can_only_name() -> None:
    assert b"".join(rewritten([b'<a href="/&euro;">'], rewrite)) == b'<a href="P/&#8364;">'


def test_a_tag_without_end_is_not_kept_for_ever() -> None:
    page = rewritten((b"<a " + b"x" * 100_000 for _ in range(10)), rewrite)
    assert len(b"".join(page)) == 10 * 100_003


def test_inflated_in_pieces() -> None:
    plain = b"0123456789" * 100_000
    packed = gzip.compress(plain)
    pieces = [packed[start : start + 100] for start in range(0, len(packed), 100)]
    got = list(inflated(pieces))
    assert b"".join(got) == plain
    assert max(map(len, got)) <= 64 * 1024
    with pytest.raises(zlib.error):
        list(inflated([b"no gzip at all"]))
