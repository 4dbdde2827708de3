"""Strategic merge patch: a merge that knows which lists are maps by a key.

The rules, orders and directives are those of `k8s.io/apimachinery/pkg/util/strategicpatch`:

    $patch: replace | delete | merge      in an object, or in an item of a list that merges by key
    $retainKeys: [a, b]                   of the object's fields keep only these
    $setElementOrder/LIST: [...]          the order of LIST afterwards (keys, or values)
    $deleteFromPrimitiveList/LIST: [...]  values to take out of LIST
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import orjson

from orchestrator.api.errors import BadRequest
from orchestrator.api.meta import Object
from orchestrator.api.schema import Field, Struct

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"
#: Of an item with one of these nothing stays: it says what becomes of the others.
_ABOUT_THE_LIST = ("delete", "replace")


def strategic_merge(obj: Object, patch: Any, struct: Struct) -> Object:
    """`obj`, of type `struct`, after `patch`; neither is changed. Raises BadRequest."""
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a strategic merge patch is an object")
    return _merge_object(_copy(obj), _copy(patch), struct.fields.get)


#: From a key to what is known of its value; None where the schema says nothing.
_Fields = Callable[[str], Field | None]


def _fields_of(field: Field | None) -> _Fields:
    if field is None or field.type not in ("struct", "map"):
        return lambda _: None
    if field.struct is not None:
        return field.struct.fields.get
    return lambda _: field.items


def _merge_object(original: Object, patch: Object, fields: _Fields) -> Object:
    match patch.pop(_PATCH, None):
        case None | "merge":
            pass
        case "replace":
            return _without_directives(patch)  # type: ignore[no-any-return]
        case "delete":
            return {}
        case other:
            raise BadRequest(f"unknown patch type found: {other}")
    _retain(original, patch)
    orders = _take(patch, _ORDER)
    deletions = _take(patch, _DELETE)
    for key, values in deletions.items():
        if isinstance(original.get(key), list):
            original[key] = [value for value in original[key] if value not in values]
    for key, value in patch.items():
        _merge_key(original, key, value, fields(key))
    for key, order in orders.items():
        _set_order(original, key, order, fields(key))
    return original


def _retain(original: Object, patch: Object) -> None:
    retained = patch.pop(_RETAIN, None)
    if retained is None:
        return
    if not isinstance(retained, list):
        raise BadRequest("the patch has a wrong format: $retainKeys must be a list")
    for key in original.keys() - set(map(str, retained)):
        del original[key]


def _take(patch: Object, prefix: str) -> dict[str, list[Any]]:
    """Remove the directives that start with `prefix`; returns their lists by field."""
    found: dict[str, list[Any]] = {}
    for directive in [key for key in patch if key.startswith(prefix)]:
        values = patch.pop(directive)
        if not isinstance(values, list):
            raise BadRequest(f"the patch has a wrong format: {directive} must be a list")
        found[directive.removeprefix(prefix)] = values
    return found


def _merge_key(original: Object, key: str, value: Any, field: Field | None) -> None:
    if value is None:
        original.pop(key, None)
        return
    current = original.get(key)
    strategy = field.patch_strategy if field is not None else frozenset[str]()
    if isinstance(value, dict) and isinstance(current, dict) and "replace" not in strategy:
        original[key] = _merge_object(current, value, _fields_of(field))
    elif isinstance(value, list) and isinstance(current, list) and field is not None and "merge" in strategy:
        original[key] = _merge_list(current, value, field)
    else:
        original[key] = _without_directives(value)


def _merge_list(original: list[Any], patch: list[Any], field: Field) -> list[Any]:
    key = _identity(field)
    wanted = [key(item) for item in patch]
    before = [key(item) for item in original]
    if not field.merge_key:
        return _ordered(list(dict.fromkeys(original + patch)), wanted, before, key)
    directives = [item.get(_PATCH, "merge") for item in patch]
    if unknown := set(map(str, directives)) - {"merge", "replace", "delete"}:
        raise BadRequest(f"unknown patch type found: {', '.join(sorted(unknown))}")
    for item, directive in zip(patch, directives, strict=True):
        if key(item) is None and directive != "replace":
            raise BadRequest(f"map: {item} does not contain declared merge key: {field.merge_key}")
    plain = [item for item, directive in zip(patch, directives, strict=True) if directive == "merge"]
    if "replace" in directives:
        return [_without_directives(item) for item in plain]
    deleted = {key(item) for item, directive in zip(patch, directives, strict=True) if directive == "delete"}
    merged = _merge_items([item for item in original if key(item) not in deleted], plain, field)
    return _ordered(merged, [key(item) for item in plain], before, key)


def _merge_items(original: list[Any], patch: list[Any], field: Field) -> list[Any]:
    key, fields = _identity(field), _fields_of(field.items)
    merged = list(original)
    places = _places([key(item) for item in merged])
    for item in patch:
        place = places.setdefault(key(item), len(merged))
        if place < len(merged):
            merged[place] = _merge_object(merged[place], item, fields)
        else:
            merged.append(_without_directives(item))
    return merged


def _set_order(original: Object, key: str, order: list[Any], field: Field | None) -> None:
    current = original.get(key)
    if not isinstance(current, list) or field is None or "merge" not in field.patch_strategy:
        return
    identity = _identity(field)
    original[key] = _ordered(current, [identity(i) for i in order], [identity(i) for i in current], identity)


def _ordered(items: list[Any], wanted: list[Any], before: list[Any], key: Callable[[Any], Any]) -> list[Any]:
    """The items that `wanted` names in its order, and the others in the order they have.

    Where the two meet, an item goes before another if it did so in `before`; one that is new goes first.
    """
    rank, place = _places(wanted), _places(before)
    named = deque(sorted((item for item in items if key(item) in rank), key=lambda item: rank[key(item)]))
    others = deque(item for item in items if key(item) not in rank)
    result: list[Any] = []
    while named and others:
        left, right = place.get(key(others[0])), place.get(key(named[0]))
        other_first = left is not None and right is not None and left < right
        result.append((others if other_first else named).popleft())
    return [*result, *named, *others]


def _places(names: list[Any]) -> dict[Any, int]:
    """Where each name comes first."""
    return {name: index for index, name in reversed(list(enumerate(names)))}


def _identity(field: Field) -> Callable[[Any], Any]:
    """What tells the items of a list that merges apart: the merge key's value, or the item itself."""
    merge_key = field.merge_key

    def identity(item: Any) -> Any:
        if merge_key and not isinstance(item, dict):
            raise BadRequest(f"the patch has a wrong format: items that merge by {merge_key} must be objects")
        value = item.get(merge_key) if merge_key else item
        if isinstance(value, dict | list):
            what = merge_key or "an item of a primitive list"
            raise BadRequest(f"the patch has a wrong format: {what} must be a string, a number or a boolean")
        return value

    return identity


def _without_directives(value: Any) -> Any:
    """A value that is new to the object: nulls and directives have nothing there to act on."""
    if isinstance(value, dict):
        return {k: _without_directives(v) for k, v in value.items() if v is not None and not _is_directive(k)}
    if isinstance(value, list):
        return [_without_directives(v) for v in value if not (isinstance(v, dict) and v.get(_PATCH) in _ABOUT_THE_LIST)]
    return value


def _is_directive(key: str) -> bool:
    return key in (_PATCH, _RETAIN) or key.startswith((_ORDER, _DELETE))


def _copy(obj: Object) -> Object:
    return orjson.loads(orjson.dumps(obj))  # type: ignore[no-any-return]
