"""kubectl's annotation of client-side apply, as far as the server helps an object over to server-side apply.

After `lastappliedmanager.go` and `lastappliedupdater.go` of `k8s.io/apimachinery/pkg/util/managedfields`.
"""

from __future__ import annotations

import orjson

from orchestrator.api.fieldset import EMPTY, FieldSet
from orchestrator.api.meta import Object
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.typed.compare import compare
from orchestrator.api.typed.sets import applied_fields
from orchestrator.api.typed.shape import Shape

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
#: The only manager that is helped: kubectl, unless its user names another.
KUBECTL = "kubectl"
#: Bytes that the annotations of an object may have.
_LIMIT = 256 * 1024


def still_applied(shape: Shape, live: Object) -> FieldSet:
    """The fields that client-side apply set last and that nobody changed since: kubectl may take them over."""
    try:
        last = orjson.loads(annotations_of(live).get(ANNOTATION, ""))
    except orjson.JSONDecodeError:
        return EMPTY
    if not isinstance(last, dict):
        return EMPTY
    changes = compare(shape, last, live)
    return applied_fields(shape, last) - changes.written - changes.removed


def keep_up(obj: Object, configuration: Object) -> Object:
    """`obj` with the annotation, where it has one, telling what was applied: a later client-side apply needs it."""
    given = annotations_of(obj)
    if ANNOTATION not in given:
        return obj
    text = orjson.dumps(_without_annotation(configuration)).decode() + "\n"
    kept = {key: value for key, value in given.items() if key != ANNOTATION}
    if len(text) <= _LIMIT:
        kept[ANNOTATION] = text
    return {**obj, "metadata": {**obj["metadata"], "annotations": kept}}


def _without_annotation(configuration: Object) -> Object:
    if ANNOTATION not in annotations_of(configuration):
        return configuration
    kept = {key: value for key, value in annotations_of(configuration).items() if key != ANNOTATION}
    return {**configuration, "metadata": {**configuration["metadata"], "annotations": kept}}
