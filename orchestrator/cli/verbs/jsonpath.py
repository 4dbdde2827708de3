"""`-o jsonpath=TEMPLATE` and `-o custom-columns=SPEC`. Pure.

A template is text with expressions in braces: a path, a "literal", or `{range PATH}...{end}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import tables
from orchestrator.cli.verbs.fieldpath import FieldPath

_TOKEN = re.compile(r"""\{((?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^{}"'])*)\}|([^{}]+)""")
_EXPRESSION = re.compile(r"""\s*("(?:\\.|[^"\\])*"|(?:\[(?:"[^"]*"|'[^']*'|[^\]"'])*\]|\\.|[^\s\[])+)""")

#: What a part of a template says of a value.
Part = Callable[[Any], str]


def template(text: str) -> Part:
    """Raises Failure when `text` is no template; a path without braces is one, too."""
    tokens = _tokens(text if "{" in text else "{" + text + "}")
    parts = list(_parts(tokens, nested=False))
    return lambda value: "".join(part(value) for part in parts)


def _tokens(text: str) -> Iterator[tuple[str, bool]]:
    """(content, whether it was in braces)."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Failure(f"in the jsonpath, {text[position:]!r} has a brace that is not closed")
        position = match.end()
        yield (match[2], False) if match[2] else (match[1].strip(), True)


def _parts(tokens: Iterator[tuple[str, bool]], *, nested: bool) -> Iterator[Part]:
    for content, expression in tokens:
        if not expression:
            yield _constant(content)
        elif content == "end":
            if not nested:
                raise Failure("in the jsonpath, {end} ends no {range}")
            return
        elif content.startswith("range "):
            yield _range(FieldPath(content[len("range ") :]), list(_parts(tokens, nested=True)))
        else:
            if left := _EXPRESSION.sub("", content).strip():
                raise Failure(f"in the jsonpath, {content!r} is no path: it goes wrong at {left!r}")
            yield _values([_literal_or_path(piece) for piece in _EXPRESSION.findall(content)])
    if nested:
        raise Failure("in the jsonpath, a {range} has no {end}")


def _constant(text: str) -> Part:
    return lambda _: text


def _range(path: FieldPath, inner: list[Part]) -> Part:
    return lambda value: "".join(part(item) for item in path.find(value) for part in inner)


def _values(pieces: list[Callable[[Any], list[Any]]]) -> Part:
    return lambda value: " ".join(shown(found) for piece in pieces for found in piece(value))


def _literal_or_path(text: str) -> Callable[[Any], list[Any]]:
    if not text.startswith('"'):
        return FieldPath(text).find
    try:
        literal = json.loads(text)
    except ValueError:
        raise Failure(f"in the jsonpath, {text} is no text in quotes") from None
    return lambda _: [literal]


def shown(value: Any) -> str:
    """A value as text: strings bare, the rest as JSON."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def columns(spec: str, objects: list[Object], *, headers: bool) -> list[str]:
    """Lines of the table that `NAME:PATH,NAME:PATH` describes. Raises Failure."""
    named = [column.partition(":")[::2] for column in spec.split(",")]
    if not all(title and path for title, path in named):
        raise Failure(
            "custom-columns are NAME:PATH,NAME:PATH, as in NAME:.metadata.name,IMAGE:.spec.containers[*].image"
        )
    paths = [FieldPath(path.strip("{}")) for _, path in named]
    rows = [[",".join(map(shown, path.find(obj))) or None for path in paths] for obj in objects]
    return tables.simple([title for title, _ in named], rows, headers=headers)
