"""The links of a page, rewritten as it passes through. All else stays byte for byte."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from html import escape
from html.parser import HTMLParser

#: Element -> its attributes that hold a URL (https://html.spec.whatwg.org/multipage/indices.html#attributes-3).
_URLS = {
    "a": ("href",),
    "area": ("href",),
    "audio": ("src",),
    "base": ("href",),
    "blockquote": ("cite",),
    "body": ("background",),
    "button": ("formaction",),
    "del": ("cite",),
    "embed": ("src",),
    "form": ("action",),
    "frame": ("longdesc", "src"),
    "html": ("manifest",),
    "iframe": ("longdesc", "src"),
    "img": ("longdesc", "src", "usemap"),
    "input": ("formaction", "src", "usemap"),
    "ins": ("cite",),
    "link": ("href",),
    "object": ("codebase", "data", "usemap"),
    "q": ("cite",),
    "script": ("src",),
    "source": ("src",),
    "track": ("src",),
    "video": ("poster", "src"),
}
#: Markup is ASCII in all encodings of the web, and this one keeps every other byte.
_CHARSET = "latin-1"
#: Bytes of what is inflated at a time.
_PIECE = 64 * 1024
#: Characters of one tag at most: what is longer passes as it is.
_MAX_TAG = 256 * 1024
#: By what share of itself an unfinished tag must grow before it is looked at again: else its pieces, if they are small
#: and many, would cost the square of its length.
_GROWTH = 1 / 16


def rewritten(pieces: Iterable[bytes], rewrite: Callable[[str], str]) -> Iterator[bytes]:
    """The page in `pieces`, with `rewrite` applied to its links."""
    page = _Page(rewrite)
    for piece in pieces:
        if out := page.take(piece.decode(_CHARSET)):
            yield out.encode(_CHARSET, "xmlcharrefreplace")
    yield page.rest().encode(_CHARSET, "xmlcharrefreplace")


def inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What gzip made of it, undone. Raises zlib.error."""
    inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    for piece in pieces:
        while piece:
            yield inflate.decompress(piece, _PIECE)
            piece = inflate.unconsumed_tail
    yield inflate.flush()
    if not inflate.eof:
        raise zlib.error("incomplete or truncated stream")


class _Page(HTMLParser):
    """Finds the tags to change and where they are in the text that the parser is done with."""

    def __init__(self, rewrite: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=False)
        self._rewrite = rewrite
        #: (line, column) of each tag to change, its text, and what it becomes.
        self._changes: list[tuple[tuple[int, int], str, str]] = []
        #: What came and was not looked at yet.
        self._held = ""

    def take(self, text: str) -> str:
        """As much of the page so far as is complete."""
        self._held += text
        if len(self._held) < _GROWTH * len(self.rawdata):
            return ""
        return self._parsed()

    def rest(self) -> str:
        return self._parsed() + self.rawdata

    def _parsed(self) -> str:
        text, self._held = self._held, ""
        begin, before = self.getpos(), self.rawdata
        self.feed(text)
        if len(self.rawdata) > _MAX_TAG:
            self.rawdata = ""
        whole = before + text
        return self._changed(whole[: len(whole) - len(self.rawdata)], begin)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        wanted = _URLS.get(tag, ())
        changed = [
            (name, self._rewrite(value) if value is not None and name in wanted else value) for name, value in attrs
        ]
        if changed != attrs:
            text = self.get_starttag_text() or ""
            self._changes.append((self.getpos(), text, _tag(tag, changed, closed=text.endswith("/>"))))

    def _changed(self, text: str, begin: tuple[int, int]) -> str:
        """`text`, which begins at line and column `begin`, with the changes made."""
        changes, self._changes = self._changes, []
        made, done, line, start = [], 0, begin[0], -begin[1]
        for (its_line, column), old, new in changes:
            while line < its_line:
                line, start = line + 1, text.index("\n", max(start, 0)) + 1
            at = start + column
            made += [text[done:at], new]
            done = at + len(old)
        return "".join([*made, text[done:]])


def _tag(name: str, attributes: list[tuple[str, str | None]], *, closed: bool) -> str:
    written = "".join(f" {key}" if value is None else f' {key}="{escape(value)}"' for key, value in attributes)
    return f"<{name}{written}{'/' if closed else ''}>"
