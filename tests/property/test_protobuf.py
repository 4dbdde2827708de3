"""The reader of protobuf bodies against any bytes, and against the package protobuf."""

from __future__ import annotations

import orjson
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.api import body
from orchestrator.api.errors import BadRequest
from orchestrator.api.protobuf import table, wire
from orchestrator.api.protobuf.decode import MAGIC
from orchestrator.api.protobuf.wire import field

_GROUPS = {3, 4}

some_fields = st.builds(
    field, st.integers(1, 40), st.integers(0, 2**64 - 1) | st.binary(max_size=8) | st.text(max_size=4)
)
messages = st.recursive(
    st.lists(some_fields | st.binary(max_size=4), max_size=4).map(b"".join),
    lambda inner: st.lists(st.builds(field, st.integers(1, 40), inner), max_size=4).map(b"".join),
)
kinds = st.sampled_from(["Pod", "Service", "Event", "PersistentVolume", "DeleteOptions", "Status"])


@given(messages)
@example(b"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")
def test_what_the_package_reads_is_read_alike(data: bytes) -> None:
    try:
        theirs = [(each.field_number, each.wire_type, each.data) for each in UnknownFieldSet(Empty.FromString(data))]
    except DecodeError:
        return
    if _GROUPS & {wire_type for _, wire_type, _ in theirs}:
        return
    ours = []
    for number, wire_type, value in wire.fields(memoryview(data)):
        fixed = not isinstance(value, int) and wire_type != wire.BYTES
        plain = value if isinstance(value, int) else bytes(value)
        ours.append((number, wire_type, int.from_bytes(bytes(value), "little") if fixed else plain))  # type: ignore[arg-type]
    assert ours == theirs


@given(kinds, messages)
def test_any_message_is_an_object_or_a_bad_request(kind: str, raw: bytes) -> None:
    data = MAGIC + field(1, field(1, "v1") + field(2, kind)) + field(2, raw)
    try:
        value = body.decode(data, body.PROTOBUF).value
    except BadRequest as error:
        assert error.message
    else:
        assert value["kind"] == kind and orjson.dumps(value)


@given(st.sampled_from(sorted(table.messages())), st.data())
def test_every_message_can_be_decoded(name: str, data: st.DataObject) -> None:
    """Each field with a value of its type; what is said is there."""
    message = table.message(name)
    numbers = data.draw(st.lists(st.sampled_from(sorted(message)), unique=True)) if message else []
    raw = b"".join(
        field(number, 1 if message[number].type in ("int32", "int64", "bool") else b"") for number in numbers
    )
    package, _, kind = name.rpartition(".")
    group, _, version = package.rpartition(".")
    if table.name_of(f"{group}/{version}", kind) != name:
        return
    framed = MAGIC + field(1, field(1, f"{group}/{version}") + field(2, kind)) + field(2, raw)
    value = body.decode(framed, body.PROTOBUF).value
    assert {message[number].name for number in numbers if message[number].label == "list"} <= value.keys()
