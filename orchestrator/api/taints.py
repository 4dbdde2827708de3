"""Taints and tolerations. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.api.meta import Object

NO_SCHEDULE = "NoSchedule"
NO_EXECUTE = "NoExecute"

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
#: Set by people on a node that is off, and whose pods are not to be waited for.
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


def tolerates(toleration: Object, taint: Object) -> bool:
    """An empty key (with Exists) tolerates every key, an empty effect every effect."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint.get("key"):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")


def tolerated_by(tolerations: Iterable[Object], taint: Object) -> list[Object]:
    """The tolerations that tolerate `taint`."""
    return [toleration for toleration in tolerations if tolerates(toleration, taint)]
