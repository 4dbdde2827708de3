"""Patches: an object and a change of it give a new object. Nothing is changed in place.

JSON patch (RFC 6902) and merge patch (RFC 7386); strategic merge is `orchestrator.api.strategic_merge`.
"""

from __future__ import annotations

from typing import Any

import jsonpatch
import jsonpointer
import orjson

from orchestrator.api import schema
from orchestrator.api.errors import BadRequest, Invalid, RequestTooLarge, UnsupportedMediaType
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.request import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from orchestrator.api.strategic_merge import strategic_merge

#: Kubernetes' limits: a patch's operations, and the bytes that its copies may add.
_MAX_OPERATIONS = 10_000
_MAX_COPIED = 3 << 20
#: The fields of an operation that are strings.
_OPERATION = ("op", "path", "from")


def apply(kind: Kind, obj: Object, patch: Any, content_type: str) -> Object:
    """`obj` after `patch`, which is of the given media type.

    Raises BadRequest for a malformed patch, Invalid for one that does not fit the object, and UnsupportedMediaType for
    another media type, and for a strategic merge of a kind without a schema.
    """
    media_type = content_type.partition(";")[0].strip()
    if media_type == JSON_PATCH:
        return json_patch(obj, patch)
    if media_type == MERGE_PATCH:
        return merge_patch(obj, patch)
    struct = schema.load().of(kind)
    if media_type == STRATEGIC_PATCH and struct is not None:
        return strategic_merge(obj, patch, struct)
    supported = ", ".join((JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH))
    raise UnsupportedMediaType(
        f"the body of the request was in an unknown format - accepted media types include: {supported}"
    )


def json_patch(obj: Object, patch: Any) -> Object:
    """RFC 6902. Raises BadRequest, Invalid, RequestTooLarge."""
    if not isinstance(patch, list):
        raise BadRequest("error decoding patch: a JSON patch is a list of operations")
    if len(patch) > _MAX_OPERATIONS:
        raise RequestTooLarge(f"The allowed maximum operations in a JSON patch is {_MAX_OPERATIONS}, got {len(patch)}")
    result: Any = _copy(obj)
    copied = 0
    for operation in patch:
        result, size = _operate(result, operation)
        copied += size
        if copied > _MAX_COPIED:
            raise RequestTooLarge(f"the copies of a JSON patch may add {_MAX_COPIED} bytes at most")
    if not isinstance(result, dict):
        raise does_not_fit("the patch leaves no object")
    return result


def _operate(value: Any, operation: Any) -> tuple[Any, int]:
    """`value` after one operation, and the bytes that it copied: a few copies of a whole into itself fill a memory."""
    if not isinstance(operation, dict) or not all(isinstance(operation.get(f, ""), str) for f in _OPERATION):
        raise BadRequest("error decoding patch: an operation of a JSON patch is an object {op, path, from, value}")
    try:
        checked = jsonpatch.JsonPatch([operation])
        copied = operation.get("op") == "copy" and jsonpointer.resolve_pointer(value, operation.get("from", ""))
        return checked.apply(value, in_place=True), len(orjson.dumps(copied))
    except jsonpatch.InvalidJsonPatch as error:
        raise BadRequest(f"error decoding patch: {error}") from None
    except jsonpatch.JsonPatchTestFailed:
        raise does_not_fit(f"testing value {operation['path']} failed: test failed") from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, RecursionError) as error:
        raise does_not_fit(f"{_show(operation)}: {error}") from None
    except TypeError as error:
        # A step of the path leads into a string, a number or nothing; or the copy nests too deep to be encoded.
        raise does_not_fit(f"{_show(operation)}: the path does not exist ({error})") from None


def _show(operation: Object) -> str:
    return f"{operation.get('op')} operation on {operation.get('path')!r}"


def does_not_fit(cause: str) -> Invalid:
    """Kubernetes' answer to a patch that cannot be applied; kubectl shows the cause."""
    return Invalid(
        "the server rejected our request due to an error in our request",
        details={"causes": [{"reason": "UnexpectedServerResponse", "message": cause, "field": "patch"}]},
    )


def merge_patch(obj: Object, patch: Any) -> Object:
    """RFC 7386. Raises BadRequest."""
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a merge patch is an object")
    return _merge(_copy(obj), patch)


def _merge(target: Any, patch: Object) -> Object:
    merged: Object = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merge(merged.get(key), value)
        else:
            merged[key] = value
    return merged


def _copy(obj: Object) -> Object:
    return orjson.loads(orjson.dumps(obj))  # type: ignore[no-any-return]
