"""RuntimeClass: a pod's runtime class is there, and says what running it costs and where it can run."""

from __future__ import annotations

from orchestrator.api.errors import Forbidden
from orchestrator.api.groups.core import POD
from orchestrator.api.groups.node import RUNTIME_CLASS
from orchestrator.api.meta import Object
from orchestrator.api.quantity import parse
from orchestrator.server.admission.base import Attributes, Plugin, View
from orchestrator.server.admission.namespaces import forbidden
from orchestrator.server.admission.pods import new_pod


class RuntimeClasses(Plugin):
    def __init__(self, view: View) -> None:
        self._view = view

    def admit(self, attributes: Attributes) -> None:
        spec = new_pod(attributes)
        if spec is None:
            return
        fixed = None
        if wanted := spec.get("runtimeClassName"):
            found = self._view.find(RUNTIME_CLASS, "", wanted)
            if found is None:
                raise _rejected(attributes, f'RuntimeClass "{wanted}" not found')
            fixed = (found.get("overhead") or {}).get("podFixed")
            _place(attributes, spec, found.get("scheduling") or {})
        _charge(attributes, spec, fixed)


def _charge(attributes: Attributes, spec: Object, fixed: Object | None) -> None:
    given = spec.get("overhead")
    if given and not fixed:
        raise _rejected(attributes, "Pod Overhead set without corresponding RuntimeClass defined Overhead")
    if given and fixed and _amounts(given) != _amounts(fixed):
        raise _rejected(attributes, "Pod's Overhead doesn't match RuntimeClass's defined Overhead")
    if fixed:
        spec["overhead"] = fixed


def _amounts(resources: Object) -> Object:
    return {resource: parse(amount) for resource, amount in resources.items()}


def _place(attributes: Attributes, spec: Object, scheduling: Object) -> None:
    given: Object = spec.get("nodeSelector") or {}
    wanted: Object = scheduling.get("nodeSelector") or {}
    for label, value in wanted.items():
        if given.get(label, value) != value:
            mine, pods = f"runtimeClass.scheduling.nodeSelector[{label}]", f"pod.spec.nodeSelector[{label}]"
            raise forbidden(POD, attributes.name, f"conflict: {mine} = {value}; {pods} = {given[label]}")
    if wanted:
        spec["nodeSelector"] = {**given, **wanted}
    tolerations: list[Object] = spec.get("tolerations") or []
    added = [each for each in scheduling.get("tolerations") or [] if each not in tolerations]
    if added:
        spec["tolerations"] = [*tolerations, *added]


def _rejected(attributes: Attributes, why: str) -> Forbidden:
    return forbidden(POD, attributes.name, f"pod rejected: {why}")
