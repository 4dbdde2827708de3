"""The rules of what all kinds share: metadata, labels, label selectors.

Rules and sentences are those of `k8s.io/apimachinery/pkg/api/validation` and `.../apis/meta/v1/validation`.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.api import names
from orchestrator.api.checks import Errors, follows, indexed, named, not_negative, obeys, unchanged
from orchestrator.api.errors import FieldError, forbidden, invalid, required, too_long
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, finalizers, is_deleting

MAX_ANNOTATIONS = 256 * 1024
#: Finalizers without a domain: the API server's own.
_STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
_IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_NEED_VALUES = "must be specified when `operator` is 'In' or 'NotIn'"
_NO_VALUES = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"


def validate_metadata(kind: Kind, obj: Object) -> list[FieldError]:
    """Every rule that the object's metadata breaks."""
    meta: Object = obj.get("metadata") or {}
    return [
        *_names(kind, meta),
        *_namespace(kind, meta),
        *not_negative(meta, "metadata", "generation"),
        *validate_labels(meta.get("labels"), "metadata.labels"),
        *validate_annotations(meta.get("annotations"), "metadata.annotations"),
        *_owners(meta.get("ownerReferences") or []),
        *_finalizers(meta.get("finalizers") or []),
    ]


def validate_metadata_update(new: Object, old: Object) -> list[FieldError]:
    """Every rule that the change of the metadata breaks."""
    errors = [
        error
        for field in _IMMUTABLE
        for error in unchanged(f"metadata.{field}", new["metadata"].get(field), old["metadata"].get(field))
    ]
    added = [finalizer for finalizer in finalizers(new) if finalizer not in finalizers(old)]
    if is_deleting(old) and added:
        why = "no new finalizers can be added if the object is being deleted, found new finalizers"
        errors.append(forbidden("metadata.finalizers", f"{why} {', '.join(added)}"))
    if new["metadata"].get("generation", 0) < old["metadata"].get("generation", 0):
        errors.append(invalid("metadata.generation", new["metadata"].get("generation", 0), "must not be decremented"))
    return errors


def validate_labels(labels: Mapping[str, str] | None, field: str) -> Errors:
    for key, value in (labels or {}).items():
        yield from _label_key(field, key)
        yield from follows(field, value, names.label_value)


def validate_annotations(annotations: Mapping[str, str] | None, field: str) -> Errors:
    size = 0
    for key, value in (annotations or {}).items():
        # Upper case is allowed in the prefix too.
        yield from (invalid(field, key, problem) for problem in names.qualified_name(key.lower()))
        size += len(key.encode()) + len(value.encode())
    if size > MAX_ANNOTATIONS:
        yield too_long(field, MAX_ANNOTATIONS)


def validate_selector(selector: Object | None, field: str) -> Errors:
    """The rules of a `metav1.LabelSelector`."""
    selector = selector or {}
    yield from validate_labels(selector.get("matchLabels"), f"{field}.matchLabels")
    for path, expression in indexed(f"{field}.matchExpressions", selector.get("matchExpressions")):
        yield from _requirement(expression, path)


def _requirement(expression: Object, field: str) -> Errors:
    operator, values = expression.get("operator") or "", expression.get("values") or []
    if operator in ("In", "NotIn"):
        if not values:
            yield required(f"{field}.values", _NEED_VALUES)
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            yield forbidden(f"{field}.values", _NO_VALUES)
    else:
        yield invalid(f"{field}.operator", operator, "not a valid selector operator")
    yield from _label_key(f"{field}.key", expression.get("key") or "")
    for path, value in indexed(f"{field}.values", values):
        yield from follows(path, value, names.label_value)


def _label_key(field: str, key: str) -> Errors:
    yield from obeys(field, key, names.qualified_name)


def _names(kind: Kind, meta: Object) -> Errors:
    prefix = str(meta.get("generateName") or "")
    # What will be appended makes a trailing dash right.
    whole = f"{prefix[:-1]}a" if prefix.endswith("-") else prefix
    if prefix:
        problems = kind.strategy.name_problems(whole)
        yield from (invalid("metadata.generateName", prefix, problem) for problem in problems)
    if not meta.get("name"):
        yield required("metadata.name", "name or generateName is required")
    else:
        yield from follows("metadata.name", meta["name"], kind.strategy.name_problems)


def _namespace(kind: Kind, meta: Object) -> Errors:
    if kind.namespaced:
        yield from named("metadata.namespace", meta.get("namespace"), names.dns_label)
    elif meta.get("namespace"):
        yield forbidden("metadata.namespace", "not allowed on this type")


def _owners(references: list[Object]) -> Errors:
    path = "metadata.ownerReferences"
    controller = ""
    for field, reference in indexed(path, references):
        if not reference.get("apiVersion"):
            yield invalid(f"{field}.apiVersion", "", "version must not be empty")
        for part in ("kind", "name", "uid"):
            if not reference.get(part):
                yield invalid(f"{field}.{part}", "", "must not be empty")
        if reference.get("apiVersion") in ("v1", "events.k8s.io/v1") and reference.get("kind") == "Event":
            yield invalid(field, reference, "Event is disallowed from being an owner")
        if reference.get("controller"):
            if controller:
                yield invalid(path, references, _two_controllers(controller, reference.get("name", "")))
            controller = reference.get("name", "")


def _two_controllers(first: str, second: str) -> str:
    why = 'Only one reference can have Controller set to true. Found "true" in references for'
    return f"{why} {first} and {second}"


def _finalizers(finalizers: list[str]) -> Errors:
    field = "metadata.finalizers"
    for name in finalizers:
        yield from validate_finalizer(name, field)
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        yield invalid(field, finalizers, "finalizer orphan and foregroundDeletion cannot be both set")


def validate_finalizer(name: str, field: str) -> Errors:
    problems = names.qualified_name(name)
    if not problems and "/" not in name and name not in _STANDARD_FINALIZERS:
        problems = ["name is neither a standard finalizer name nor is it fully qualified"]
    yield from (invalid(field, name, problem) for problem in problems)
