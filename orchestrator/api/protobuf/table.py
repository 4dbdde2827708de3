"""Which field of which message has which number.

The numbers are data, `fields.json`, made by `tests/fakes/protobuf_table.py` and read when the first body needs them.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal, NamedTuple

import orjson

#: pointer: where it is there, it is said, be it zero. value: zero says nothing. required: zero says something.
#: inline: the fields of the message are fields of the one around it. map: from strings to `type`.
Label = Literal["pointer", "value", "required", "inline", "list", "map"]


class Field(NamedTuple):
    """`name` is the one in JSON; `type` is string, int32, int64, bool, bytes or the name of a message."""

    name: str
    type: str
    label: Label


Message = dict[int, Field]

_META = "apis.meta.v1"
UNKNOWN = "runtime.Unknown"
TYPE_META = "runtime.TypeMeta"


def message(name: str) -> Message:
    """By the package and name in its .proto (`core.v1.Pod`). Raises KeyError."""
    return messages()[name]


def name_of(api_version: str, kind: str) -> str | None:
    """The message of a kind. Options (`DeleteOptions`) are one kind in every group-version."""
    group, _, version = api_version.rpartition("/")
    candidates = (f"{group.partition('.')[0] or 'core'}.{version}.{kind}", f"{_META}.{kind}")
    return next((name for name in candidates if name in messages()), None)


@cache
def messages() -> dict[str, Message]:
    """All of them."""
    plain = orjson.loads(files(__package__).joinpath("fields.json").read_bytes())
    return {name: {int(number): Field(*entry) for number, entry in fields.items()} for name, fields in plain.items()}
