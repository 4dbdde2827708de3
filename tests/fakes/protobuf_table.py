"""Makes the table of field numbers, `orchestrator/api/protobuf/fields.json`, from the descriptors in a kubectl.

    python -m tests.fakes.protobuf_table PATH/OF/kubectl > orchestrator/api/protobuf/fields.json

What the descriptors do not say comes from the JSON schemas: how a field is spelled in JSON, that it is always there
(`required`), and that a message has no name of its own (`inline`).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

from orchestrator.api import schema
from tests.fakes.kubectl_descriptors import Files, descriptors

#: Message -> number -> [name in JSON, type, label]; see `orchestrator.api.protobuf.table`.
Table = dict[str, dict[str, list[str]]]

_STABLE = re.compile(r"k8s\.io\.api\.[a-z]+\.v\d+")
_MACHINERY = "k8s.io.apimachinery.pkg."
_PACKAGES = {_MACHINERY + name for name in ("api.resource", "apis.meta.v1", "runtime", "util.intstr")}
_TYPES = {
    FieldDescriptorProto.TYPE_STRING: "string",
    FieldDescriptorProto.TYPE_INT32: "int32",
    FieldDescriptorProto.TYPE_INT64: "int64",
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_BYTES: "bytes",
}
#: The option `gogoproto.nullable` (65001) set to false: the field is no pointer in Go.
_NOT_NULLABLE = b"\xc8\xde\x1f\x00"
#: Some fields are spelled in their .proto in a way that no rule explains.
_SPELLING = {"uID": "uid", "aPIGroup": "apiGroup", "Webhooks": "webhooks", "Expression": "expression"}
_VARIABLE_NAME = ("k8s.io.api.admissionregistration.v1", "Variable", "Name")


def table(files: Files) -> Table:
    """All messages of the stable versions, and of what they are made of."""
    definitions = schema.read_definitions()
    found: Table = {}
    for package, file in sorted(files.items()):
        if package in _PACKAGES or _STABLE.fullmatch(package):
            for message in file.message_type:
                definition = definitions.get(f"{package}.{message.name}".replace("k8s.io.", "io.k8s.", 1), {})
                found[short(f".{package}.{message.name}")] = dict(_fields(file, message, definition))
    return found


def short(type_name: str) -> str:
    """`.k8s.io.api.core.v1.Pod` -> `core.v1.Pod`."""
    return type_name.removeprefix(".").removeprefix("k8s.io.api.").removeprefix(_MACHINERY)


def _fields(
    file: FileDescriptorProto, message: DescriptorProto, definition: dict[str, Any]
) -> Iterator[tuple[str, list[str]]]:
    entries = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    for field in sorted(message.field, key=lambda field: field.number):
        name = _spelling(file.package, message.name, field.name)
        entry = entries.get(field.type_name.rpartition(".")[2])
        if entry is not None:
            yield str(field.number), [name, _type(entry.field[1]), "map"]
        else:
            yield str(field.number), [name, _type(field), _label(field, name, definition)]


def _spelling(package: str, message: str, name: str) -> str:
    return "name" if (package, message, name) == _VARIABLE_NAME else _SPELLING.get(name, name)


def _type(field: FieldDescriptorProto) -> str:
    return short(field.type_name) if field.type == FieldDescriptorProto.TYPE_MESSAGE else _TYPES[field.type]


def _label(field: FieldDescriptorProto, name: str, definition: dict[str, Any]) -> str:
    properties = definition.get("properties")
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return "list"
    if _NOT_NULLABLE not in field.options.SerializeToString():
        return "pointer"
    if properties and name not in properties:
        return "inline"
    return "required" if name in definition.get("required", ()) else "value"


def write(found: Table) -> str:
    """One message a line."""
    lines = (
        f"{orjson.dumps(name).decode()}: {orjson.dumps(fields).decode()}" for name, fields in sorted(found.items())
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    sys.stdout.write(write(table(descriptors(Path(sys.argv[1])))))
