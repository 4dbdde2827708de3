"""The kinds that a CustomResourceDefinition makes: one a version that is served."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.api.crd.schema import CustomSchema
from orchestrator.api.custom import definition
from orchestrator.api.custom.strategy import CustomStrategy
from orchestrator.api.kinds import Conversion, Kind
from orchestrator.api.meta import Object, spec


def served_kinds(crd: Object) -> tuple[Kind, ...]:
    """With all that is needed to serve them; none for a definition that is not established."""
    if not definition.is_established(crd):
        return ()
    return tuple(_served(crd, version) for version in definition.served(crd))


def _served(crd: Object, version: Object) -> Kind:
    names, group, name = definition.accepted_names(crd), str(spec(crd)["group"]), str(version["name"])
    document = definition.schema_of(version)
    schema = CustomSchema(document)
    return Kind(
        group,
        name,
        str(names["kind"]),
        str(names["plural"]),
        spec(crd).get("scope") == "Namespaced",
        tuple(names.get("shortNames") or ()),
        tuple(names.get("categories") or ()),
        tuple(part for part in ("status", "scale") if definition.part(version, "subresources", part) is not None),
        rules=CustomStrategy(version, schema),
        singular=str(names.get("singular") or ""),
        list_kind=str(names.get("listKind") or ""),
        schema=schema,
        document=document,
        primary=name == definition.primary_version(crd),
        conversion=_conversion(group, name, definition.storage_version(crd), len(definition.versions(crd))),
    )


def _conversion(group: str, version: str, stored: str, count: int) -> Conversion | None:
    """Versions differ in their name only. Objects may be stored in any: in that which was the stored one then."""
    if count == 1:
        return None
    return Conversion(group, _named(f"{group}/{version}"), _named(f"{group}/{stored}"))


def _named(api_version: str) -> Callable[[Object], Object]:
    def rename(obj: Object) -> Object:
        return {**obj, "apiVersion": api_version}

    return rename
