"""Values against the validations of a schema: types, bounds, patterns, enums, and what is required.

Not on the package jsonschema: it knows neither `nullable` nor Kubernetes' list of formats, takes Python's backtracking
expressions, and its sentences would have to be made anew from its error objects, keyword by keyword; the keywords are
a table here, and the walk also finds the old value beside the new (ratcheting). The sentences are those of
`k8s.io/kube-openapi/pkg/validation/errors`, turned into causes as `k8s.io/apiextensions-apiserver` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.api.crd.keywords import Test, tests, type_name
from orchestrator.api.crd.node import INT_OR_STRING, LIST_MAP_KEYS, LIST_TYPE, MAP_TYPE
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.meta import Object

#: Stands for the old value where there is none to compare with.
NOTHING: Final = object()
#: Types of a value -> the schema's types that take it.
_TAKES = {"integer": ("integer", "number"), "number": ("number",)}


@dataclass(frozen=True, slots=True)
class _Junctors:
    """The validations that are made of others."""

    all_of: tuple[Check, ...]
    any_of: tuple[Check, ...]
    one_of: tuple[Check, ...]
    none_of: Check | None

    def check(self, path: str, value: Any, errors: list[FieldError]) -> None:
        if self.any_of:
            self._any(path, value, errors)
        if self.one_of:
            self._one(path, value, errors)
        if self.all_of and (found := [error for check in self.all_of for error in check.at(path, value)]):
            errors += [_apart(f"{_quoted(path)} must validate all the schemas (allOf)"), *found]
        if self.none_of is not None and not self.none_of.at(path, value):
            errors.append(_apart(f"{_quoted(path)} must not validate the schema (not)"))

    def _any(self, path: str, value: Any, errors: list[FieldError]) -> None:
        found = [check.at(path, value) for check in self.any_of]
        if all(found):
            errors += [_apart(f"{_quoted(path)} must validate at least one schema (anyOf)"), *found[0]]

    def _one(self, path: str, value: Any, errors: list[FieldError]) -> None:
        found = [check.at(path, value) for check in self.one_of]
        valid = sum(not one for one in found)
        if valid != 1:
            outcome = f"Found {valid} valid alternatives" if valid else "Found none valid"
            errors.append(_apart(f"{_quoted(path)} must validate one and only one schema (oneOf). {outcome}"))
            errors += [] if valid else found[0]


class Check:
    """A schema's validations, prepared once."""

    __slots__ = (
        "_additional",
        "_correlates",
        "_items",
        "_junctors",
        "_keys",
        "_nullable",
        "_properties",
        "_required",
        "_tests",
        "_types",
    )

    def __init__(self, schema: Object) -> None:
        self._types = _types(schema)
        self._nullable = bool(schema.get("nullable"))
        self._tests: Mapping[str, tuple[Test, ...]] = tests(schema)
        self._required: tuple[str, ...] = tuple(schema.get("required") or ())
        self._properties = {name: Check(inner) for name, inner in (schema.get("properties") or {}).items()}
        self._items = _check(schema.get("items"))
        self._additional = _check(schema.get("additionalProperties"))
        self._junctors = _junctors(schema)
        self._correlates = schema.get(MAP_TYPE) != "atomic"
        self._keys: tuple[str, ...] = tuple(schema.get(LIST_MAP_KEYS) or ()) if schema.get(LIST_TYPE) == "map" else ()

    def validate(self, value: Any, old: Any) -> list[FieldError]:
        """Everything wrong with an object; of an update, not with what it left as it was (`old` is None otherwise)."""
        errors: list[FieldError] = []
        self._walk("", value, NOTHING if old is None else old, errors)
        return errors

    def at(self, path: str, value: Any) -> list[FieldError]:
        errors: list[FieldError] = []
        self._walk(path, value, NOTHING, errors)
        return errors

    def _walk(self, path: str, value: Any, old: Any, errors: list[FieldError]) -> None:
        if old is not NOTHING and old == value:
            return
        kind = type_name(value)
        if value is None and self._nullable:
            kind = ""
        elif not _takes(self._types, kind):
            wanted = ",".join(self._types)
            sentence = f'Invalid value: "{kind}": {path} in body must be of type {wanted}: "{kind}"'
            errors.append(FieldError(path or "<nil>", "FieldValueTypeInvalid", sentence))
        found = (test(path, value) for test in (*self._tests.get(kind, ()), *self._tests["enum"]))
        errors += [error for error in found if error is not None]
        if kind == "object":
            self._object(path, value, old, errors)
        elif kind == "array" and self._items is not None:
            self._array(path, value, old, errors)
        if kind and self._junctors is not None:
            self._junctors.check(path, value, errors)

    def _object(self, path: str, value: Object, old: Any, errors: list[FieldError]) -> None:
        before = old if isinstance(old, dict) and self._correlates else {}
        prefix = f"{path}." if path else ""
        for key, inner in value.items():
            if (check := self._properties.get(key) or self._additional) is not None:
                check._walk(prefix + key, inner, before.get(key, NOTHING), errors)
        errors += [required(prefix + key) for key in self._required if key not in value]

    def _array(self, path: str, value: list[Any], old: Any, errors: list[FieldError]) -> None:
        assert self._items is not None
        before = by_keys(self._keys, old) if self._keys else {}
        for index, item in enumerate(value):
            self._items._walk(f"{path}[{index}]", item, before.get(keys_of(self._keys, item), NOTHING), errors)


def by_keys(keys: tuple[str, ...], items: Any) -> dict[str, Any]:
    """The items of a map-type list by the values of their keys."""
    return {keys_of(keys, item): item for item in items} if isinstance(items, list) else {}


def keys_of(keys: tuple[str, ...], item: Any) -> str:
    return repr([item.get(key) for key in keys]) if keys and isinstance(item, dict) else ""


def has_type(schema: Object, value: Any) -> bool:
    """Whether the value is of the schema's type."""
    return _takes(_types(schema), type_name(value))


def _types(schema: Object) -> tuple[str, ...]:
    """Empty for any."""
    if schema.get(INT_OR_STRING):
        return ("integer", "string")
    return (schema["type"],) if schema.get("type") else ()


def _takes(types: tuple[str, ...], kind: str) -> bool:
    return not types or any(taken in types for taken in _TAKES.get(kind, (kind,)))


def _check(schema: Any) -> Check | None:
    return Check(schema) if isinstance(schema, dict) else None


def _junctors(schema: Object) -> _Junctors | None:
    all_of, any_of, one_of = (
        tuple(Check(inner) for inner in schema.get(name) or ()) for name in ("allOf", "anyOf", "oneOf")
    )
    none_of = _check(schema.get("not"))
    return _Junctors(all_of, any_of, one_of, none_of) if all_of or any_of or one_of or none_of else None


def _quoted(path: str) -> str:
    return f'"{path}"'


def _apart(sentence: str) -> FieldError:
    """Kubernetes names no field for these, only in the sentence."""
    return invalid("<nil>", "", sentence)
