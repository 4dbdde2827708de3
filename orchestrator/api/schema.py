"""The fields of every Kubernetes type: their types, and how patches merge them.

Read once from the definitions that the package kubernetes-validate ships, and kept small: descriptions stay behind
(`orchestrator.server.openapi` reads them again when it needs them). The package is found but not imported, because its
import is slow and only its data is wanted.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import orjson

from orchestrator import KUBERNETES_VERSION
from orchestrator.api.earlier_versions import with_earlier_versions
from orchestrator.api.kinds import Kind
from orchestrator.api.metrics_definitions import METRICS

Definitions = dict[str, dict[str, Any]]
Type = Literal[
    "struct", "map", "list", "string", "int32", "int64", "double", "bool", "bytes",
    "quantity", "int-or-string", "time", "micro-time", "any"
]  # fmt: skip

_REF = "#/$defs/"
_MAP_TYPE = "x-kubernetes-map-type"
_SPECIAL: dict[str, Type] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "int-or-string",
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": "time",
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": "micro-time",
}
#: JSON type and format -> type.
_SCALARS: dict[tuple[str, str], Type] = {
    ("string", ""): "string",
    ("string", "byte"): "bytes",
    ("integer", "int32"): "int32",
    ("integer", "int64"): "int64",
    ("integer", ""): "int64",
    ("number", "double"): "double",
    ("boolean", ""): "bool",
}
_GO: dict[Type, str] = {
    "double": "float64",
    "bytes": "[]uint8",
    "quantity": "resource.Quantity",
    "int-or-string": "intstr.IntOrString",
    "time": "v1.Time",
    "micro-time": "v1.MicroTime",
    "any": "interface {}",
}


@dataclass(slots=True, eq=False)
class Struct:
    """A type with named fields. `name` is its Go name (`DeploymentSpec`), `go` the one with its package.

    An `atomic` one is applied as a whole.
    """

    name: str
    go: str
    atomic: bool = False
    fields: dict[str, Field] = field(default_factory=dict, repr=False)
    required: frozenset[str] = frozenset()
    #: The type of a value that is this struct.
    whole: Field = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.whole = Field("struct", self)


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """A field, an element of a list or a value of a map.

    `struct` is set for type "struct", `items` (elements or values) for "list" and "map". `patch_strategy` and
    `merge_key` rule strategic merge; `list_type` (atomic, set, map), `list_map_keys` and `map_type` (atomic, granular)
    rule server-side apply. `default` is known of custom resources' fields only.
    """

    type: Type
    struct: Struct | None = None
    items: Field | None = None
    patch_strategy: frozenset[str] = frozenset()
    merge_key: str = ""
    list_type: str = ""
    list_map_keys: tuple[str, ...] = ()
    map_type: str = ""
    default: Any = None

    @property
    def atomic(self) -> bool:
        """True for what server-side apply takes as a whole."""
        if self.type == "list":
            return self.list_type not in ("set", "map")
        if self.struct is not None:
            return self.struct.atomic and self.map_type != "granular"
        return self.type != "map" or self.map_type == "atomic"

    @property
    def go(self) -> str:
        """The Go type, as Kubernetes' messages name it."""
        if self.struct is not None:
            return self.struct.go
        if self.items is not None:
            return ("map[string]" if self.type == "map" else "[]") + self.items.go
        return _GO.get(self.type, self.type)


class Schema:
    """All types, found by apiVersion and kind, or by definition name."""

    def __init__(self, definitions: Definitions) -> None:
        self._plain: dict[Type, Field] = {}
        self._structs = {
            name: Struct(
                name.rpartition(".")[2],
                ".".join(name.split(".")[-2:]),
                atomic=definition.get(_MAP_TYPE) == "atomic",
            )
            for name, definition in definitions.items()
            if "properties" in definition
        }
        for name, struct in self._structs.items():
            properties = definitions[name]["properties"]
            struct.fields = {key: self._field(value) for key, value in properties.items()}
            struct.required = frozenset(definitions[name].get("required", ()))
        self._by_type = {gvk: self._structs[name] for gvk, name in types(definitions).items() if name in self._structs}

    def of(self, kind: Kind) -> Struct | None:
        """None for a kind without a schema here (a custom resource)."""
        return self._by_type.get((kind.api_version, kind.kind))

    def named(self, definition: str) -> Struct:
        """By definition name (`io.k8s.api.core.v1.PodSpec`). Raises KeyError."""
        return self._structs[definition]

    def _field(self, node: Mapping[str, Any]) -> Field:
        ref = node.get("$ref", "").removeprefix(_REF)
        strategy = node.get("x-kubernetes-patch-strategy", "")
        items = node.get("items") or node.get("additionalProperties")
        if ref in self._structs:
            return Field(
                "struct",
                self._structs[ref],
                patch_strategy=_strategies(strategy),
                map_type=node.get(_MAP_TYPE, ""),
            )
        if items:
            return Field(
                "list" if "items" in node else "map",
                items=self._field(items),
                patch_strategy=_strategies(strategy),
                merge_key=node.get("x-kubernetes-patch-merge-key", ""),
                list_type=node.get("x-kubernetes-list-type", ""),
                list_map_keys=tuple(sorted(node.get("x-kubernetes-list-map-keys", ()))),
                map_type=node.get(_MAP_TYPE, ""),
            )
        return self._scalar(_SPECIAL.get(ref) or _SCALARS.get((_json_type(node), node.get("format", "")), "any"))

    def _scalar(self, type: Type) -> Field:
        """One instance a type: there are thousands of such fields."""
        return self._plain.setdefault(type, Field(type))


def _json_type(node: Mapping[str, Any]) -> str:
    """`["string", "null"]` and `"string"` are both `string`."""
    types = node.get("type", "")
    return str(types[0] if isinstance(types, list) else types)


def _strategies(text: str) -> frozenset[str]:
    return frozenset(text.split(",")) if text else frozenset()


def types(definitions: Definitions) -> dict[tuple[str, str], str]:
    """(apiVersion, kind) -> definition name."""
    found: dict[tuple[str, str], str] = {}
    for name, definition in definitions.items():
        for gvk in definition.get("x-kubernetes-group-version-kind", ()):
            api_version = f"{gvk['group']}/{gvk['version']}" if gvk["group"] else gvk["version"]
            found[api_version, gvk["kind"]] = name
    return found


def read_definitions() -> Definitions:
    """The definitions with their descriptions, about 5 MB: use them and let them go. Raises FileNotFoundError."""
    return with_earlier_versions(orjson.loads(_file().read_bytes())["$defs"] | METRICS)


@cache
def load() -> Schema:
    """The schema of the Kubernetes release that is spoken."""
    return Schema(read_definitions())


def _file() -> Path:
    """The definitions of KUBERNETES_VERSION, or of the release nearest to it."""
    spec = importlib.util.find_spec("kubernetes_validate")
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    files = [file for folder in folders for file in folder.glob("kubernetes-json-schema/v*-local/_definitions.json")]
    if not files:
        raise FileNotFoundError("no Kubernetes schemas: install the package kubernetes-validate")
    return min(files, key=lambda file: abs(_minor(file.parent.name) - _minor(KUBERNETES_VERSION)))


def _minor(version: str) -> int:
    match = re.match(r"v?\d+\.(\d+)", version)
    return int(match[1]) if match else 0
