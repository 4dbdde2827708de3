"""Priority: a pod's class says how much it counts; and no two classes are the default."""

from __future__ import annotations

from orchestrator.api.groups.core import POD
from orchestrator.api.groups.scheduling import PRIORITY_CLASS
from orchestrator.api.meta import Object, name
from orchestrator.api.strategies.priorityclass import PREEMPT
from orchestrator.server.admission.base import Attributes, Plugin, View
from orchestrator.server.admission.namespaces import forbidden
from orchestrator.server.admission.pods import new_pod

_COMPUTED = "must not be provided in pod spec; priority admission controller computed"
_FROM_CLASS = "from the given PriorityClass name"


class Priority(Plugin):
    def __init__(self, view: View) -> None:
        self._view = view

    def admit(self, attributes: Attributes) -> None:
        spec = new_pod(attributes)
        if spec is not None:
            self._give(attributes, spec)

    def check(self, attributes: Attributes) -> None:
        new = attributes.new
        if attributes.kind is PRIORITY_CLASS and new is not None and new.get("globalDefault"):
            others = (name(other) for other in self._defaults() if name(other) != attributes.name)
            if other := next(others, ""):
                why = f"PriorityClass {other} is already marked as default. Only one default can exist"
                raise forbidden(PRIORITY_CLASS, attributes.name, why)

    def _give(self, attributes: Attributes, spec: Object) -> None:
        chosen = self._chosen(attributes, spec)
        value, policy = chosen.get("value") or 0, chosen.get("preemptionPolicy") or PREEMPT
        given, given_policy = spec.get("priority"), spec.get("preemptionPolicy")
        if given is not None and given != value:
            why = f"the integer value of priority ({given}) {_COMPUTED} {value} {_FROM_CLASS}"
            raise forbidden(POD, attributes.name, why)
        if given_policy is not None and given_policy != policy:
            why = f"the string value of PreemptionPolicy ({given_policy}) {_COMPUTED} {policy} {_FROM_CLASS}"
            raise forbidden(POD, attributes.name, why)
        spec["priority"], spec["preemptionPolicy"] = value, policy
        if name(chosen):
            spec["priorityClassName"] = name(chosen)

    def _chosen(self, attributes: Attributes, spec: Object) -> Object:
        """The class that the pod names, else the default one; {} where there is none."""
        if not (wanted := spec.get("priorityClassName")):
            return min(self._defaults(), key=lambda each: int(each.get("value") or 0), default={})
        found = self._view.find(PRIORITY_CLASS, "", wanted)
        if found is None:
            raise forbidden(POD, attributes.name, f"no PriorityClass with name {wanted} was found")
        return found

    def _defaults(self) -> list[Object]:
        return [each for each in self._view.all(PRIORITY_CLASS) if each.get("globalDefault")]
