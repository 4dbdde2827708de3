"""What a CustomResourceDefinition says, and what of it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, condition, is_deleting, spec, status

#: Keeps a definition until its objects are gone.
FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def is_established(crd: Object) -> bool:
    return (condition(crd, "Established") or {}).get("status") == "True"


def accepted_names(crd: Object) -> Object:
    """The names that it is served under; those it asks for may belong to another."""
    return status(crd).get("acceptedNames") or {}


def versions(crd: Object) -> list[Object]:
    return spec(crd).get("versions") or []


def served(crd: Object) -> list[Object]:
    """The versions that can be asked for; of a definition that goes also the stored one, for its objects to go."""
    return [each for each in versions(crd) if each.get("served") or (each.get("storage") and is_deleting(crd))]


def storage_version(crd: Object) -> str:
    return next((str(version.get("name") or "") for version in versions(crd) if version.get("storage")), "")


def primary_version(crd: Object) -> str:
    """The served version in which all objects can be seen: the stored one, if it can be asked for."""
    names = [str(version["name"]) for version in served(crd)]
    stored = storage_version(crd)
    return stored if stored in names else next(iter(names), "")


def schema_of(version: Object) -> Object:
    return (version.get("schema") or {}).get("openAPIV3Schema") or {}


def part(version: Object, *path: str) -> Any:
    """Something within a version, None where it is not said."""
    value: Any = version
    for step in path:
        value = (value or {}).get(step)
    return value


def selectable_paths(version: Object) -> Sequence[str]:
    return [str(field["jsonPath"]) for field in version.get("selectableFields") or ()]


def client_kind(crd: Object) -> Kind | None:
    """The kind as its clients need it, in a version in which all objects can be seen; None when it is not served."""
    version = primary_version(crd)
    if not version or not is_established(crd):
        return None
    names = accepted_names(crd)
    namespaced = spec(crd).get("scope") == "Namespaced"
    return Kind(str(spec(crd)["group"]), version, str(names["kind"]), str(names["plural"]), namespaced)
