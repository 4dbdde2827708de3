"""What goes back over HTTP: results, errors and streams, in the form the client wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from http.client import responses
from typing import TYPE_CHECKING, Any

import orjson
from flask import Response
from werkzeug.datastructures import Headers
from werkzeug.wsgi import ClosingIterator

from orchestrator.api.errors import ApiError
from orchestrator.api.meta import Object
from orchestrator.server.negotiation import JSON, YAML, Wanted
from orchestrator.server.results import Frame

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def _status_line(code: int) -> str:
    """The code and its phrase as Kubernetes spells it (werkzeug shouts): scripts compare it, and people read it."""
    return f"{code} {responses.get(code, f'status code {code}')}"


def json_answer(data: bytes | Iterable[bytes], code: int = 200, warnings: Sequence[str] = ()) -> Response:
    answer = Response(data, _status_line(code), content_type=JSON)
    answer.headers["Cache-Control"] = "no-cache, private"
    for warning in warnings:
        answer.headers.add("Warning", f"299 - {_quoted(warning)}")
    return answer


def object_answer(obj: Object, wanted: Wanted, code: int = 200, warnings: Sequence[str] = ()) -> Response:
    """One object, as JSON or YAML."""
    if wanted.media_type != YAML:
        return json_answer(orjson.dumps(obj), code, warnings)
    answer = json_answer(_yaml(obj), code, warnings)
    answer.content_type = YAML
    return answer


def text_answer(text: str | bytes, code: int = 200, content_type: str = "text/plain; charset=utf-8") -> Response:
    return Response(text, _status_line(code), content_type=content_type)


def error_answer(error: ApiError) -> Response:
    answer = json_answer(orjson.dumps(error.status()), error.code)
    if (seconds := error.details.get("retryAfterSeconds")) is not None:
        answer.headers["Retry-After"] = str(seconds)
    return answer


def stream_answer(pieces: Iterator[bytes], open_: ExitStack, content_type: str = JSON) -> Response:
    """An answer that goes on. The headers leave at once; `open_` is closed when the stream ends, however it ends."""
    headers = [("Content-Type", content_type), ("Cache-Control", "no-cache, private")]
    return passed_answer(200, headers, pieces, open_)


def passed_answer(code: int, headers: list[tuple[str, str]], pieces: Iterator[bytes], open_: ExitStack) -> Response:
    """As `stream_answer`, with all headers given."""

    def begun() -> Iterator[bytes]:
        yield b""
        yield from pieces

    answer = Response(begun(), _status_line(code))
    answer.headers = Headers(headers)
    answer.call_on_close(open_.close)
    return answer


class _Upgraded(Response):
    """A 101: its "body" is what happens on the connection afterwards. An ordinary response of that code has none."""

    def get_app_iter(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        return ClosingIterator(self.iter_encoded(), self.close)


def moved_answer(location: str) -> Response:
    return Response(b"", _status_line(301), {"Location": location})


def upgrade_answer(talk: Callable[[], None], open_: ExitStack, headers: list[tuple[str, str]]) -> Response:
    """Agree to another protocol, and then `talk` it; `open_` is closed afterwards."""

    def begun() -> Iterator[bytes]:
        yield b""
        talk()

    answer = _Upgraded(begun(), _status_line(101), headers)
    del answer.headers["Content-Type"]
    answer.call_on_close(open_.close)
    return answer


#: From an event's object as stored to the object as the client wants it.
Encode = Callable[[Frame], bytes]


def watch_lines(batches: Iterator[list[Frame]], encode: Encode) -> Iterator[bytes]:
    """One JSON document a line; the events of a batch in one piece."""
    for batch in batches:
        if batch:
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
