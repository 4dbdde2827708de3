"""One version's openAPIV3Schema at work, as the custom resource handler uses it."""

from __future__ import annotations

from orchestrator.api.crd import defaults, embedded, lists, node, prune, rules, types, values
from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object
from orchestrator.api.schema import Field

#: Errors after which rules are not run: what they would work on is not what they were written for.
_BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
_UNCHECKED = FieldError(
    "<nil>",
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)


class CustomSchema:
    """Prepared once for a version, then used for each of its objects. `schema` is one that has no problems
    (`definition.schema_problems`)."""

    def __init__(self, schema: Object) -> None:
        self._root = node.read(schema, embedded=True)
        self._values = values.Check(schema)
        self._rules = rules.read(self._root)
        #: What server-side apply must know of the objects (`orchestrator.api.typed`).
        self.type: Field = types.type_of(self._root)

    def prune(self, obj: Object) -> list[str]:
        """Drop unknown fields in place; their paths, sorted (`spec.list[0].field`).

        `apiVersion`, `kind` and `metadata` stay as they are; of embedded resources' metadata, what is no metadata goes.
        """
        return prune.prune(self._root, obj)

    def default(self, obj: Object) -> None:
        """Drop nulls that are not allowed, and fill in defaults, in place. Idempotent."""
        defaults.drop_nulls(self._root, obj)
        defaults.default(self._root, obj)

    def validate(self, obj: Object, old: Object | None) -> list[FieldError]:
        """Everything wrong with `obj`; of an update (`old` is given), with what it changed."""
        errors = [
            *self._values.validate(obj, old),
            *embedded.validate(self._root, obj),
            *self._lists(obj, old),
        ]
        if self._rules is None:
            return errors
        if any(error.reason in _BLOCKING for error in errors):
            return [*errors, _UNCHECKED]
        return [*errors, *self._rules.validate(obj, old)]

    def _lists(self, obj: Object, old: Object | None) -> list[FieldError]:
        """Duplicates are let pass when there were some already."""
        errors = lists.validate(self._root, obj)
        return [] if errors and old is not None and lists.validate(self._root, old) else errors
