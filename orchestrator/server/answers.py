"""What goes back over HTTP: results, errors and streams, in the form the client wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from http.client import responses
from typing import TYPE_CHECKING, Any

import orjson
from werkzeug.wsgi import ClosingIterator

from orchestrator.api.meta import Object
from orchestrator.server.negotiation import JSON, YAML, Wanted
from orchestrator.server.results import Frame

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

    from orchestrator.server.watch import ExpiredSession, WatchSession

Header = tuple[str, str]

_LENGTH = "content-length"
_NO_CACHE = ("Cache-Control", "no-cache, private")
_JSON_HEADERS = (("Content-Type", JSON), _NO_CACHE)


@dataclass(slots=True)
class Answer:
    """An answer over HTTP, as the WSGI application that gives it.

    The body is bytes, or what yields them piece by piece; `close` is called when it ends, however it ends.
    The "body" of a 101 is what happens on the connection afterwards.
    """

    body: bytes | Iterator[bytes]
    code: int = 200
    headers: list[Header] = field(default_factory=list)
    close: Callable[[], None] | None = None
    #: Of writes that are not acknowledged yet: the answer must not leave before this returns. Raises ApiError.
    wait: Callable[[], None] | None = None

    @property
    def whole(self) -> bool:
        """False for an answer that goes on."""
        return isinstance(self.body, bytes)

    def having(self, name: str, value: str) -> Answer:
        """The same answer with this header, in place of another of its name."""
        return replace(self, headers=[*(header for header in self.headers if header[0] != name), (name, value)])

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        bodiless = self.code in (204, 304)
        headers = [each for each in self.headers if each[0].lower() != _LENGTH] if bodiless else self.headers
        if isinstance(self.body, bytes) and not bodiless:
            headers = [*headers, ("Content-Length", str(len(self.body)))]
        start_response(f"{self.code} {responses.get(self.code, f'status code {self.code}')}", headers)
        silent = bodiless or environ["REQUEST_METHOD"] == "HEAD"
        pieces: Iterable[bytes] = () if silent else [self.body] if isinstance(self.body, bytes) else self.body
        return ClosingIterator(pieces, self.close) if self.close is not None else pieces


def json_answer(data: bytes, code: int = 200, warnings: Sequence[str] = ()) -> Answer:
    return Answer(data, code, [*_JSON_HEADERS, *(("Warning", f"299 - {_quoted(warning)}") for warning in warnings)])


def object_answer(obj: Object, wanted: Wanted, code: int = 200, warnings: Sequence[str] = ()) -> Answer:
    """One object, as JSON or YAML."""
    if wanted.media_type != YAML:
        return json_answer(orjson.dumps(obj), code, warnings)
    return json_answer(_yaml(obj), code, warnings).having("Content-Type", YAML)


def text_answer(text: str | bytes, code: int = 200, content_type: str = "text/plain; charset=utf-8") -> Answer:
    return Answer(text.encode() if isinstance(text, str) else text, code, [("Content-Type", content_type)])


def stream_answer(pieces: Iterator[bytes], open_: ExitStack, content_type: str = JSON) -> Answer:
    """An answer that goes on. The headers leave at once; `open_` is closed when the stream ends, however it ends."""
    return passed_answer(200, [("Content-Type", content_type), _NO_CACHE], pieces, open_)


def passed_answer(code: int, headers: list[Header], pieces: Iterator[bytes], open_: ExitStack) -> Answer:
    """As `stream_answer`, with all headers given."""

    def begun() -> Iterator[bytes]:
        yield b""
        yield from pieces

    return Answer(begun(), code, headers, open_.close)


def moved_answer(location: str) -> Answer:
    return Answer(b"", 301, [("Location", location)])


def upgrade_answer(talk: Callable[[], None], open_: ExitStack, headers: list[Header]) -> Answer:
    """Agree to another protocol, and then `talk` it; `open_` is closed afterwards."""

    def begun() -> Iterator[bytes]:
        yield b""
        talk()

    return Answer(begun(), 101, headers, open_.close)


#: From an event's object as stored to the object as the client wants it.
Encode = Callable[[Frame], bytes]


def watch_lines(session: WatchSession | ExpiredSession, encode: Encode) -> Iterator[bytes]:
    """One JSON document a line; the events of a batch in one piece."""
    for batch in session.batches():
        if not batch:
            yield session.pause
        else:
            yield b"".join([b'{"type":"%s","object":%s}\n' % (f.type.encode(), encode(f)) for f in batch])


def _quoted(text: str) -> str:
    """A quoted-string of RFC 7230, on one line."""
    plain = " ".join(text.split()).encode("latin-1", "replace").decode("latin-1")
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _yaml(obj: Any) -> bytes:
    # Few clients want YAML from the server, and the library is large.
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return yaml.dump(obj, Dumper=dumper, sort_keys=False, allow_unicode=True).encode()
