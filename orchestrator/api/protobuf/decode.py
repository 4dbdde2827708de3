"""From a body to the JSON value that the same Go client would have sent as JSON.

A body is `k8s\\0` and a runtime.Unknown{typeMeta, raw, contentEncoding, contentType}; `raw` is the message of the kind
that the typeMeta names. Unknown fields come from newer clients and are dropped, as Kubernetes does.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from orchestrator.api import times
from orchestrator.api.body import PROTOBUF
from orchestrator.api.errors import BadRequest
from orchestrator.api.meta import Object
from orchestrator.api.protobuf import table, wire
from orchestrator.api.protobuf.table import Field, Message

MAGIC = b"k8s\0"
#: Fields, list items and map entries of a body at most: two bytes of it can become an object of 100.
_MAX_PARTS = 200_000
#: What Go encodes although nobody set it.
_ZEROS: tuple[Any, ...] = ("", 0, {}, [])
_NOTHING = memoryview(b"")
_NUMBERS = frozenset({"int32", "int64", "bool"})

Json = Callable[[bytes], Any]


def decode(data: bytes, json: Json) -> Object:
    """The object in a body. `json` decodes the JSON that some fields hold. Raises BadRequest."""
    if not data.startswith(MAGIC):
        raise BadRequest("the body is not in Kubernetes' protobuf form: it does not begin with k8s and a zero byte")
    decoder = _Decoder(json)
    try:
        unknown = decoder.parts(table.UNKNOWN, memoryview(data)[len(MAGIC) :])
        if unknown.get("contentEncoding") or unknown.get("contentType", b"") not in (b"", PROTOBUF.encode()):
            raise ValueError("its content is encoded once more, or is not protobuf")
        type_meta = decoder.message(table.TYPE_META, unknown.get("typeMeta", _NOTHING))
        return type_meta | decoder.message(_name(type_meta), unknown.get("raw", _NOTHING))
    except ValueError as error:
        raise BadRequest(f"the protobuf body cannot be read: {error}") from None


def _name(type_meta: Object) -> str:
    """The message of a kind. Raises BadRequest."""
    api_version, kind = (type_meta.get(key, "") for key in ("apiVersion", "kind"))
    if not kind:
        raise BadRequest("Object 'Kind' is missing in the protobuf body")
    name = table.name_of(api_version, kind)
    if name is None:
        raise BadRequest(f'no kind "{kind}" of version "{api_version}" is known in protobuf: send it as JSON')
    return name


class _Decoder:
    """Decodes the messages of one body, and counts their parts. Methods raise ValueError."""

    def __init__(self, json: Json) -> None:
        self._json = json
        self._parts = 0
        self._special: dict[str, Callable[[str, memoryview], Any]] = {
            "api.resource.Quantity": self._text,
            "apis.meta.v1.FieldsV1": self._raw_json,
            "apis.meta.v1.MicroTime": self._micro_time,
            "apis.meta.v1.Time": self._time,
            "authentication.v1.ExtraValue": self._strings,
            "authorization.v1.ExtraValue": self._strings,
            "certificates.v1.ExtraValue": self._strings,
            "runtime.RawExtension": self._raw_json,
            "util.intstr.IntOrString": self._int_or_string,
        }

    def message(self, name: str, data: memoryview) -> Object:
        """As JSON has it. No message can contain itself (a test sees to it), which bounds the depth."""
        return self._object(table.message(name), data)

    def parts(self, name: str, data: memoryview) -> dict[str, Any]:
        """The fields as they are on the wire: numbers and bytes."""
        return {field.name: value for field, value in self._fields(table.message(name), data)}

    def _object(self, known: Message, data: memoryview) -> Object:
        obj: Object = {}
        for field, value in self._fields(known, data):
            self._put(obj, field, value)
        return obj

    def _fields(self, known: Message, data: memoryview) -> Iterator[tuple[Field, Any]]:
        for number, wire_type, value in wire.fields(data):
            self._count()
            if (field := known.get(number)) is not None:
                number_wanted = field.type in _NUMBERS and field.label != "map"
                packed = field.label == "list" and wire_type == wire.BYTES
                if wire_type != (wire.VARINT if number_wanted else wire.BYTES) and not packed:
                    raise ValueError(f"the field {field.name} has wire type {wire_type}")
                yield field, value

    def _put(self, obj: Object, field: Field, value: Any) -> None:
        """Put what a field says into `obj`; of one that is there twice the last counts."""
        match field.label:
            case "list":
                obj.setdefault(field.name, []).extend(self._items(field, value))
            case "map":
                obj.setdefault(field.name, {}).update([self._entry(field, value)])
            case "inline":
                obj.update(self._value(field, value))
            case _:
                decoded = self._value(field, value)
                if decoded is not None and (field.label != "value" or decoded not in _ZEROS):
                    obj[field.name] = decoded

    def _items(self, field: Field, value: Any) -> Iterator[Any]:
        """One item; or many numbers, packed."""
        if field.type not in _NUMBERS or isinstance(value, int):
            yield self._value(field, value)
            return
        at = 0
        while at < len(value):
            self._count()
            number, at = wire.read_varint(value, at)
            yield self._value(field, number)

    def _entry(self, field: Field, data: memoryview) -> tuple[str, Any]:
        """An entry of a map is a message; what it leaves out is empty."""
        known: Message = {1: Field("key", "string", "required"), 2: Field("value", field.type, "required")}
        entry = self._object(known, data)
        return entry.get("key", ""), entry["value"] if "value" in entry else self._value(field, _NOTHING)

    def _value(self, field: Field, value: Any) -> Any:
        match field.type:
            case "int32" | "int64":
                return value - (1 << 64) if value >= 1 << 63 else value
            case "bool":
                return bool(value)
            case "string":
                return str(value, "utf-8")
            case "bytes":
                return base64.b64encode(value).decode()
        return self._special.get(field.type, self.message)(field.type, value)

    def _count(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise ValueError(f"it has more than {_MAX_PARTS} parts")

    # --- messages that are no objects in JSON -----------------------------------------------------------------------

    def _text(self, name: str, data: memoryview) -> str:
        return str(self.message(name, data).get("string", ""))

    def _strings(self, name: str, data: memoryview) -> Any:
        return self.message(name, data).get("items", [])

    def _raw_json(self, name: str, data: memoryview) -> Any:
        """A message of one field, which holds JSON."""
        [raw] = self.parts(name, data).values() or [b""]
        return self._json(bytes(raw)) if raw else None

    def _time(self, name: str, data: memoryview) -> str | None:
        return self._moment(name, data, times.rfc3339)

    def _micro_time(self, name: str, data: memoryview) -> str | None:
        return self._moment(name, data, times.rfc3339_micro)

    def _moment(self, name: str, data: memoryview, write: Callable[[float], str]) -> str | None:
        """Zero is Go's time that is not set."""
        said = self.message(name, data)
        seconds, nanos = said.get("seconds", 0), said.get("nanos", 0)
        if not seconds and not nanos:
            return None
        try:
            return write(seconds + nanos / 1e9)
        except (OverflowError, OSError):
            raise ValueError(f"no year has the second {seconds}") from None

    def _int_or_string(self, name: str, data: memoryview) -> int | str:
        said = self.message(name, data)
        return str(said.get("strVal", "")) if said.get("type") else int(said.get("intVal", 0))
