"""The protobuf descriptors that every kubectl carries: the field numbers of the API's types, as Kubernetes gives them.

A Go program keeps the descriptor of each `generated.proto` compressed, so a binary can be searched for them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from orchestrator.api.protobuf import wire

_GZIP = 31
_GZIP_START = re.compile(rb"\x1f\x8b\x08\x00")
#: Bytes of the largest descriptor, compressed and not; the largest that there is has 75 000.
_PACKED, _PLAIN = 100_000, 500_000

#: How the descriptor of gnostic's OpenAPI v2 begins, which is kept as it is, and the field that ends it.
_OPENAPI_V2 = wire.field(1, "openapiv2/OpenAPIv2.proto")
_SYNTAX = 12

Files = dict[str, FileDescriptorProto]


def installed(kubectl: Path) -> dict[str, Path]:
    """The kubectls beside `kubectl` by version (`1.27`), the oldest first."""
    found = {file.name.removeprefix("kubectl."): file for file in kubectl.parent.glob("kubectl.1.*")}
    return dict(sorted(found.items(), key=lambda item: int(item[0].partition(".")[2])))


@cache
def descriptors(kubectl: Path) -> Files:
    """Package (`k8s.io.api.core.v1`) -> its descriptor."""
    files = (FileDescriptorProto.FromString(data) for data in _compressed(kubectl.read_bytes()))
    return {file.package: file for file in files}


def _compressed(program: bytes) -> Iterator[bytes]:
    for start in _GZIP_START.finditer(program):
        stream = zlib.decompressobj(_GZIP)
        try:
            data = stream.decompress(program[start.start() : start.start() + _PACKED], _PLAIN)
        except zlib.error:
            # These four bytes were something else.
            continue
        # Field 1 of a descriptor is the file's name.
        if stream.eof and data[:1] == b"\n" and data[2 : 2 + data[1]].endswith(b"generated.proto"):
            yield data


def openapi_v2(kubectl: Path) -> FileDescriptorProto:
    """The descriptor of `openapi.v2.Document`."""
    program = kubectl.read_bytes()
    start = program.index(_OPENAPI_V2)
    data = b""
    for number, _, value in wire.fields(memoryview(program)[start : start + _PACKED]):
        assert isinstance(value, memoryview)
        data += wire.field(number, bytes(value))
        if number == _SYNTAX:
            break
    return FileDescriptorProto.FromString(data)
