"""Embedded resources: objects within an object that have an apiVersion, a kind and metadata of their own."""

from __future__ import annotations

from typing import Any

from orchestrator.api import names, schema, strict
from orchestrator.api.crd.node import Node
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.strategies.base import Strategy
from orchestrator.api.validation import validate_metadata

_METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
#: Which of an embedded object's kinds know how its name must look is not known: any part of a path will do.
_NAME_WHERE_NONE_IS = "none"


class _AnyName(Strategy):
    def name_problems(self, name: str) -> list[str]:
        return names.path_segment(name)


def _kind(*, namespaced: bool) -> Kind:
    return Kind("", "v1", "Embedded", "embedded", namespaced=namespaced, rules=_AnyName())


_NAMESPACED, _CLUSTER = _kind(namespaced=True), _kind(namespaced=False)


def prune_metadata(obj: Object, field: str) -> list[str]:
    """Drop, in place, what is no metadata; the paths of it. What has a wrong type stays, for `validate` to tell."""
    metadata = obj["metadata"]
    if not isinstance(metadata, dict):
        return []
    kept, problems = strict.fit(schema.load().named(_METADATA), metadata)
    if not problems.errors:
        obj["metadata"] = kept
    return [f"{field}.{path}" for path in problems.unknown]


def validate(root: Node, obj: Object) -> list[FieldError]:
    """Everything wrong with the type and metadata of the embedded resources below the root."""
    return validate_at(root, obj, "")


def validate_at(node: Node, value: Any, path: str) -> list[FieldError]:
    """The same of any value, which is at `path`."""
    errors: list[FieldError] = []
    _walk(node, value, path, errors)
    return errors


def _walk(node: Node | None, value: Any, path: str, errors: list[FieldError]) -> None:
    if node is None:
        return
    if isinstance(value, dict):
        if node.embedded and path:
            errors += _resource(value, path)
        for key, inner in value.items():
            if key in node.properties:
                _walk(node.properties[key], inner, f"{path}.{key}" if path else key, errors)
            else:
                _walk(node.additional, inner, f"{path}[{key}]", errors)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _walk(node.items, item, f"{path}[{index}]", errors)


def _resource(obj: Object, path: str) -> list[FieldError]:
    errors = [*_api_version(obj.get("apiVersion", ""), path), *_kind_name(obj.get("kind", ""), path)]
    return errors + _metadata(obj["metadata"], path) if "metadata" in obj else errors


def _api_version(value: Any, path: str) -> list[FieldError]:
    field = f"{path}.apiVersion"
    if not isinstance(value, str):
        return [invalid(field, value, "must be a string")]
    if not value:
        return [required(field)]
    if value.count("/") > 1:
        return [invalid(field, value, f"unexpected GroupVersion string: {value}")]
    return []


def _kind_name(value: Any, path: str) -> list[FieldError]:
    field = f"{path}.kind"
    if not isinstance(value, str):
        return [invalid(field, value, "must be a string")]
    if not value:
        return [required(field)]
    problems = names.dns_1035_label(value.lower())
    why = f"may have mixed case, but should otherwise match: {','.join(problems)}"
    return [invalid(field, value, why)] if problems else []


def _metadata(metadata: Any, path: str) -> list[FieldError]:
    if not isinstance(metadata, dict):
        return [invalid(f"{path}.metadata", metadata, "must be an object")]
    fitting, problems = strict.fit(schema.load().named(_METADATA), metadata)
    if problems.errors:
        return [invalid(f"{path}.metadata", metadata, problems.errors[0])]
    named = {**fitting, "name": fitting.get("name") or _NAME_WHERE_NONE_IS}
    found = validate_metadata(_NAMESPACED if fitting.get("namespace") else _CLUSTER, {"metadata": named})
    return [FieldError(f"{path}.{error.field}", error.reason, error.message) for error in found]
