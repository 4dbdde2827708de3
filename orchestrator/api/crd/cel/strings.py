"""CEL's extended strings library, as Kubernetes has it; indexes count characters.

The library brings its own, but does not let `indexOf` and `lastIndexOf` be declared for lists beside it.
https://pkg.go.dev/github.com/google/cel-go/ext#Strings
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from orchestrator.api.crd.cel.functions import Function, function, member

_CLAUSE = re.compile(r"%(?:\.(\d{1,3}))?(.?)", re.DOTALL)
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ASCII_UPPER = {lower: upper for upper, lower in _ASCII_LOWER.items()}
#: Bounds what one call may make of its arguments; no value of an object is so long.
_MAX_LENGTH = 4 * 1024 * 1024


def _within(index: int, text: str) -> int:
    if not 0 <= index <= len(text):
        raise ValueError(f"index out of range: {index}")
    return index


def _char_at(text: str, index: int) -> str:
    return text[_within(index, text) : index + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    return text.find(part, _within(start, text))


def _last_index_of(text: str, part: str, last: int | None = None) -> int:
    return text.rfind(part) if last is None else text.rfind(part, 0, _within(last, text) + len(part))


def _join(texts: list[Any], separator: str = "") -> str:
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("no such overload")
    return separator.join(texts)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    count = text.count(old) if limit < 0 else min(limit, text.count(old))
    if len(text) + count * len(new) > _MAX_LENGTH:
        raise ValueError("the replaced string would be too long")
    return text.replace(old, new, limit)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        whole = list(text)
        return whole if limit < 0 or len(whole) <= limit else [*whole[: limit - 1], "".join(whole[limit - 1 :])]
    return text.split(separator, -1 if limit < 0 else limit - 1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    last = len(text) if end is None else _within(end, text)
    if _within(start, text) > last:
        raise ValueError(f"invalid substring range. start: {start}, end: {last}")
    return text[start:last]


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _format(template: str, values: list[Any]) -> str:
    """`%s`, `%d`, `%f`, `%e`, `%b`, `%o`, `%x` and `%X`, each with the next value; `%%` is a percent sign."""
    rest = iter(values)
    text = _CLAUSE.sub(lambda clause: _clause(clause[2], clause[1], rest), template)
    if len(text) > _MAX_LENGTH:
        raise ValueError("the formatted string is too long")
    return text


def _clause(verb: str, precision: str | None, values: Iterator[Any]) -> str:
    if verb == "%":
        return "%"
    if verb not in _VERBS and verb not in _FLOATS:
        raise ValueError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
    try:
        value = next(values)
    except StopIteration:
        raise ValueError("index out of range: more formatting clauses than arguments") from None
    try:
        return _float(value, f".{precision or 6}{verb}") if verb in _FLOATS else _VERBS[verb](value)
    except TypeError:
        raise ValueError(f"error during formatting: %{verb} does not take {_shown(value)}") from None


def _integer(form: str) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        if isinstance(value, str | bytes) and form in "xX":
            written = (value.encode() if isinstance(value, str) else value).hex()
            return written.upper() if form == "X" else written
        if type(value) not in (int, bool):
            raise TypeError
        return format(int(value), form)

    return write


def _float(value: Any, form: str) -> str:
    if type(value) not in (int, float):
        raise TypeError
    return format(float(value), form)


def _shown(value: Any) -> str:
    """A value as `%s` writes it."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, timedelta):
        return f"{value.total_seconds():.9g}s"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_shown(key)}: {_shown(inner)}' for key, inner in sorted(value.items()))}}}"
    return str(value).removesuffix(".0")


_VERBS: dict[str, Callable[[Any], str]] = {"s": _shown, **{form: _integer(form) for form in "dboxX"}}
_FLOATS = ("f", "e")

FUNCTIONS: tuple[Function, ...] = (
    member("charAt", "string", ("string", "int"), _char_at),
    member("indexOf", "int", ("string", "string"), _index_of),
    member("indexOf", "int", ("string", "string", "int"), _index_of),
    member("lastIndexOf", "int", ("string", "string"), _last_index_of),
    member("lastIndexOf", "int", ("string", "string", "int"), _last_index_of),
    member("join", "string", ("list<dyn>",), _join),
    member("join", "string", ("list<dyn>", "string"), _join),
    member("lowerAscii", "string", ("string",), lambda text: text.translate(_ASCII_LOWER)),
    member("upperAscii", "string", ("string",), lambda text: text.translate(_ASCII_UPPER)),
    member("replace", "string", ("string", "string", "string"), _replace),
    member("replace", "string", ("string", "string", "string", "int"), _replace),
    member("split", "list<string>", ("string", "string"), _split),
    member("split", "list<string>", ("string", "string", "int"), _split),
    member("substring", "string", ("string", "int"), _substring),
    member("substring", "string", ("string", "int", "int"), _substring),
    member("trim", "string", ("string",), str.strip),
    member("format", "string", ("string", "list<dyn>"), _format),
    function("strings.quote", "string", ("string",), _quote),
)
