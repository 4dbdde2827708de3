"""CustomResources: nothing is created of a kind whose definition is going."""

from __future__ import annotations

from orchestrator.api.errors import MethodNotAllowed
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.meta import is_deleting
from orchestrator.server.admission.base import Attributes, Plugin, View


class CustomResources(Plugin):
    def __init__(self, view: View) -> None:
        self._view = view

    def admit(self, attributes: Attributes) -> None:
        kind = attributes.kind
        if attributes.operation != "CREATE" or kind.schema is None:
            return
        definition = self._view.find(CUSTOM_RESOURCE_DEFINITION, "", kind.resource)
        if definition is None or is_deleting(definition):
            raise MethodNotAllowed("create not allowed while custom resource definition is terminating")
