"""LimitRanger: the namespace's LimitRanges hold for its new pods and for its claims."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.api.groups.core import LIMIT_RANGE, PERSISTENT_VOLUME_CLAIM, POD
from orchestrator.api.limits import claim_problems, fill_in, joined, pod_problems
from orchestrator.api.meta import Object
from orchestrator.server.admission.base import Attributes, Plugin, View
from orchestrator.server.admission.namespaces import forbidden
from orchestrator.server.admission.pods import new_pod


class LimitRanger(Plugin):
    def __init__(self, view: View) -> None:
        self._view = view

    def admit(self, attributes: Attributes) -> None:
        if new_pod(attributes) is not None and attributes.new is not None:
            for limit_range in self._view.all(LIMIT_RANGE, attributes.namespace):
                fill_in(attributes.new, limit_range)

    def check(self, attributes: Attributes) -> None:
        if attributes.new is None or (find := _rules(attributes)) is None:
            return
        for limit_range in self._view.all(LIMIT_RANGE, attributes.namespace):
            if problems := find(attributes.new, limit_range):
                raise forbidden(attributes.kind, attributes.name, joined(problems))


def _rules(attributes: Attributes) -> Callable[[Object, Object], list[str]] | None:
    """What finds how the object breaks a range. What a pod asks for changes only when it is resized."""
    if attributes.subresource:
        return pod_problems if attributes.kind is POD and attributes.subresource == "resize" else None
    if attributes.kind is PERSISTENT_VOLUME_CLAIM:
        return claim_problems
    return pod_problems if attributes.kind is POD and attributes.operation == "CREATE" else None
