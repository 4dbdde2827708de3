"""NamespaceLifecycle: nothing is created in a namespace that is missing or going, and some never go."""

from __future__ import annotations

from orchestrator.api.errors import Forbidden, not_found
from orchestrator.api.groups.core import NAMESPACE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, is_deleting
from orchestrator.server.admission.base import Attributes, Plugin, View

_IMMORTAL = frozenset({"default", "kube-system", "kube-public"})


def forbidden(kind: Kind, name: str, why: str, causes: list[Object] | None = None) -> Forbidden:
    """403 in Kubernetes' words."""
    details: Object = {"name": name, "group": kind.group, "kind": kind.plural}
    if causes:
        details["causes"] = causes
    return Forbidden(f'{kind.resource} "{name}" is forbidden: {why}', details=details)


class NamespaceLifecycle(Plugin):
    def __init__(self, view: View) -> None:
        self._view = view

    def admit(self, attributes: Attributes) -> None:
        if attributes.operation == "DELETE":
            _check_mortal(attributes)
        elif attributes.operation == "CREATE" and attributes.kind.namespaced:
            self._check_open(attributes)

    def _check_open(self, attributes: Attributes) -> None:
        where = attributes.namespace
        namespace = self._view.find(NAMESPACE, "", where)
        if namespace is None:
            raise not_found(NAMESPACE.group, NAMESPACE.plural, where)
        if is_deleting(namespace):
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {where} is being terminated",
                "field": "metadata.namespace",
            }
            why = f"unable to create new content in namespace {where} because it is being terminated"
            raise forbidden(attributes.kind, attributes.name, why, [cause])


def _check_mortal(attributes: Attributes) -> None:
    if attributes.kind is NAMESPACE and attributes.name in _IMMORTAL:
        raise forbidden(NAMESPACE, attributes.name, "this namespace may not be deleted")
