"""The rules of one version of a CustomResourceDefinition, its schema's own apart."""

from __future__ import annotations

from orchestrator.api import names
from orchestrator.api.checks import Errors, indexed, present, unique
from orchestrator.api.custom import definition
from orchestrator.api.custom.paths import BadPath, finder, plain
from orchestrator.api.errors import invalid, required, too_many
from orchestrator.api.meta import Object

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
_SELECTABLE_TYPES = ("boolean", "integer", "string")
_MOST_SELECTABLE = 8
_NOT_SELECTABLE = (
    "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed."
)


def version_problems(version: Object, field: str) -> Errors:
    name = str(version.get("name") or "")
    yield from (invalid(f"{field}.name", name, problem) for problem in names.dns_1035_label(name))
    if not definition.schema_of(version):
        yield required(f"{field}.schema.openAPIV3Schema", "schemas are required")
    if (scale := definition.part(version, "subresources", "scale")) is not None:
        yield from _scale(scale, f"{field}.subresources.scale")
    for path, column in indexed(f"{field}.additionalPrinterColumns", version.get("additionalPrinterColumns")):
        yield from _column(column, path)
    yield from _selectable(version, f"{field}.selectableFields")


def _scale(scale: Object, field: str) -> Errors:
    yield from _under(f"{field}.specReplicasPath", scale.get("specReplicasPath"), (".spec.",), ".spec")
    yield from _under(f"{field}.statusReplicasPath", scale.get("statusReplicasPath"), (".status.",), ".status")
    if selector := scale.get("labelSelectorPath"):
        where = (".spec.", ".status.")
        yield from _under(f"{field}.labelSelectorPath", selector, where, "either .spec or .status")


def _under(field: str, path: str | None, roots: tuple[str, ...], named: str) -> Errors:
    if not path:
        yield required(field)
    elif plain(path) is None:
        yield invalid(field, path, "must be a simple json path starting with .")
    elif not path.startswith(roots):
        yield invalid(field, path, f"should be a json path under {named}")


def _column(column: Object, field: str) -> Errors:
    yield from present(f"{field}.name", column.get("name"))
    kind, form, path = (str(column.get(part) or "") for part in ("type", "format", "jsonPath"))
    types = f"must be one of {','.join(_COLUMN_TYPES)}"
    if not kind:
        yield required(f"{field}.type", types)
    elif kind not in _COLUMN_TYPES:
        yield invalid(f"{field}.type", kind, types)
    if form and form not in _COLUMN_FORMATS:
        yield invalid(f"{field}.format", form, f"must be one of {','.join(_COLUMN_FORMATS)}")
    yield from _column_path(path, f"{field}.jsonPath")


def _column_path(path: str, field: str) -> Errors:
    if not path:
        yield required(field)
    elif not path.startswith("."):
        yield invalid(field, path, "must be a simple json path starting with .")
    else:
        try:
            finder(path)
        except BadPath as problem:
            yield invalid(field, path, f"is an invalid path: {problem}")


def _selectable(version: Object, field: str) -> Errors:
    fields = indexed(field, version.get("selectableFields"))
    given = [(f"{path}.jsonPath", str(each.get("jsonPath") or "")) for path, each in fields]
    for path, text in given:
        yield from _selectable_field(path, text, definition.schema_of(version))
    yield from unique(given)
    if len(given) > _MOST_SELECTABLE:
        yield too_many(field, len(given), _MOST_SELECTABLE)


def _selectable_field(field: str, path: str, schema: Object) -> Errors:
    steps = plain(path)
    if not path:
        yield required(field)
    elif steps is None:
        yield invalid(field, path, "must be a simple json path starting with .")
    elif steps[0] == "metadata":
        yield invalid(field, path, "must not point to fields in metadata")
    elif (found := _within(schema, steps)) is None:
        yield invalid(field, path, f"is an invalid path: no such field {path} in the schema")
    elif found.get("type") not in _SELECTABLE_TYPES:
        yield invalid(field, path, _NOT_SELECTABLE)


def _within(schema: Object, steps: tuple[str, ...]) -> Object | None:
    found: Object | None = schema
    for step in steps:
        found = ((found or {}).get("properties") or {}).get(step)
    return found
