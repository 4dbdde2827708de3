"""What every new pod gets: tolerations for a node that goes away for a while."""

from __future__ import annotations

from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object
from orchestrator.server.admission.base import Attributes, Plugin

#: The taints of a node that is down, which a pod tolerates for a while (`DefaultTolerationSeconds`).
_NODE_DOWN = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def new_pod(attributes: Attributes) -> Object | None:
    """The spec of the pod that is being created, None when something else is going on."""
    if attributes.kind is not POD or attributes.operation != "CREATE" or attributes.new is None:
        return None
    return attributes.new.setdefault("spec", {})  # type: ignore[no-any-return]


class DefaultTolerationSeconds(Plugin):
    """A pod stays on a node that is down for `seconds`, unless it says otherwise."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def admit(self, attributes: Attributes) -> None:
        spec = new_pod(attributes)
        if spec is None:
            return
        given: list[Object] = spec.get("tolerations") or []
        added = [self._toleration(taint) for taint in _NODE_DOWN if not any(_tolerates(t, taint) for t in given)]
        if added:
            spec["tolerations"] = given + added

    def _toleration(self, taint: str) -> Object:
        return {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": self._seconds}


def _tolerates(toleration: Object, taint: str) -> bool:
    return toleration.get("key") in (None, "", taint) and toleration.get("effect") in (None, "", "NoExecute")
