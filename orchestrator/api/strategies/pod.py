"""Pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api import defaults
from orchestrator.api.errors import FieldError, forbidden, required
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.names import dns_label
from orchestrator.api.pods import is_terminal, qos_class
from orchestrator.api.podspec.changes import changes
from orchestrator.api.podspec.spec import pod as pod_spec
from orchestrator.api.static_pods import mirror_rules, mirrored
from orchestrator.api.strategies import pod_table
from orchestrator.api.strategies.base import Cell, Strategy
from orchestrator.api.times import rfc3339

_SPEC_FIELDS = ("nodeName", "restartPolicy", "schedulerName", "serviceAccountName")
#: Said before any scheduler looks: none does, before the gates are gone.
_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}
_STATUS_FIELDS = ("phase", "podIP", "nominatedNodeName")


class PodStrategy(Strategy):
    columns = pod_table.COLUMNS
    has_generation = True
    selectable = frozenset(
        {
            *(f"spec.{field}" for field in _SPEC_FIELDS),
            "spec.hostNetwork",
            # Of old clients; and one that Kubernetes takes, but never fills in.
            *("spec.host", "status.podIPs"),
            *(f"status.{field}" for field in _STATUS_FIELDS),
        }
    )
    #: Each node's agent watches its own.
    index = "spec.nodeName"
    returns_deleted = True

    def default(self, obj: Object) -> None:
        pod = obj.setdefault("spec", {})
        defaults.default_pod_spec(pod)
        defaults.default_pod_only(pod)

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"phase": "Pending", "qosClass": qos_class(obj)}
        if spec(obj).get("schedulingGates"):
            obj["status"]["conditions"] = [{**_GATED, "lastProbeTime": None, "lastTransitionTime": rfc3339(now)}]

    def validate(self, obj: Object) -> list[FieldError]:
        return list(pod_spec(spec(obj)))

    def validate_create(self, obj: Object) -> list[FieldError]:
        errors = []
        if spec(obj).get("ephemeralContainers"):
            errors.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
        if spec(obj).get("nodeName") and spec(obj).get("schedulingGates"):
            why = "cannot be set until all schedulingGates have been cleared"
            errors.append(forbidden("spec.nodeName", why))
        if mirrored(obj) and not spec(obj).get("nodeName"):
            errors.append(required("spec.nodeName", "must set spec.nodeName if mirror pod annotation is set"))
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return [*changes(spec(new), spec(old)), *mirror_rules(new, old)]

    def warnings(self, obj: Object) -> list[str]:
        problems = dns_label(name(obj)) if name(obj) else []
        if not problems:
            return []
        why = "this is used in the Pod's hostname, which can result in surprising behavior"
        return [f"metadata.name: {why}; a DNS label is recommended: [{' '.join(problems)}]"]

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {
            **{f"spec.{field}": spec(obj).get(field) or "" for field in _SPEC_FIELDS},
            "spec.host": spec(obj).get("nodeName") or "",
            "spec.hostNetwork": "true" if spec(obj).get("hostNetwork") else "false",
            "status.podIPs": "",
            **{f"status.{field}": status(obj).get(field) or "" for field in _STATUS_FIELDS},
        }

    def filed_under(self, obj: Object) -> str:
        return str(spec(obj).get("nodeName") or "")

    def grace_seconds(self, obj: Object, requested: int | None) -> int:
        """What is asked for, else the pod's own; nothing for a pod that no agent has, or that has finished."""
        if not spec(obj).get("nodeName") or is_terminal(obj):
            return 0
        seconds = int(spec(obj).get("terminationGracePeriodSeconds") or 0) if requested is None else requested
        return 1 if seconds < 0 else seconds

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return pod_table.row(obj, now)
