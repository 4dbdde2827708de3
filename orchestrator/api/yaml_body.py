"""YAML as Kubernetes takes it: what could be written as JSON, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from orchestrator.api.errors import BadRequest

#: Aliases can make a small text stand for a huge value; no honest object has this many parts or characters.
_MAX_NODES = 200_000
_MAX_CHARACTERS = 8_000_000
_MERGE = "tag:yaml.org,2002:merge"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def decode(data: bytes, max_depth: int) -> tuple[Any, tuple[str, ...]]:
    """The value of the one document in `data`, and the dotted paths of keys given twice. Raises BadRequest."""
    with _loader(data) as loader:
        node = loader.get_single_node()
        return _Builder(loader, max_depth).document(node)


def decode_all(data: bytes, max_depth: int) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """As `decode`, of every document in `data`."""
    with _loader(data) as loader:
        while loader.check_node():
            yield _Builder(loader, max_depth).document(loader.get_node())


@contextmanager
def _loader(data: bytes) -> Iterator[Any]:
    """Raises BadRequest in place of what the loader, or who uses it, raises."""
    try:
        loader = _Loader(data)
        try:
            yield loader
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, LookupError, OverflowError, RecursionError) as error:
        # An empty `!!int`, and a `!!bool` that is none, are LookupErrors to the library.
        # Where libyaml is missing, the parser nests until Python stops it.
        raise BadRequest(f"error converting YAML to JSON: {error}") from None


class _Builder:
    """Builds the value of a node tree; aliases are expanded, and counted."""

    def __init__(self, loader: Any, max_depth: int) -> None:
        self._loader = loader
        self._max_depth = max_depth
        self._nodes = 0
        self._characters = 0
        self._duplicates: list[str] = []

    def document(self, node: yaml.Node | None) -> tuple[Any, tuple[str, ...]]:
        value = None if node is None else self._build(node, "", 0)
        return value, tuple(self._duplicates)

    def _build(self, node: yaml.Node, path: str, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise ValueError("document contains excessive aliasing")
        if depth > self._max_depth:
            raise ValueError(f"exceeded max depth of {self._max_depth}")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth + 1)
        if isinstance(node, yaml.SequenceNode):
            return [self._build(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged |= self._merge(value_node, path, depth)
                continue
            key = self._key(key_node)
            place = f"{path}.{key}" if path else key
            if key in own:
                self._duplicates.append(place)
            own[key] = self._build(value_node, place, depth)
        return merged | own

    def _merge(self, node: yaml.Node, path: str, depth: int) -> dict[str, Any]:
        """`<<: *base`, or a list of bases of which the first wins."""
        bases = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for base in reversed(bases):
            value = self._build(base, path, depth)
            if not isinstance(value, dict):
                raise ValueError("map merge requires map or sequence of maps as the value")
            merged |= value
        return merged

    def _key(self, node: yaml.Node) -> str:
        key = self._scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if key is None:
            raise ValueError("a key of a mapping must be a string, a number or a boolean")
        return str(key).lower() if isinstance(key, bool) else str(key)

    def _scalar(self, node: yaml.Node) -> Any:
        self._characters += len(node.value)
        if self._characters > _MAX_CHARACTERS:
            raise ValueError("document contains excessive aliasing")
        if node.tag == _TIMESTAMP:
            return node.value
        value = self._loader.construct_object(node)
        if value is None or isinstance(value, str | bool):
            return value
        if isinstance(value, int):
            # As the JSON decoder does with what does not fit into 64 bits.
            return value if value.bit_length() < 64 else float(value)
        if isinstance(value, float) and value - value == 0:
            return value
        raise ValueError(f"{node.value!r} ({node.tag}) cannot be written as JSON")
