"""What a Job's `podFailurePolicy` makes of a failed pod: the first rule that matches decides. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.api.meta import Object, name, namespace, spec, status


@dataclass(frozen=True, slots=True)
class Verdict:
    """`action` is Count, FailIndex, FailJob or Ignore; `message` says why, where the whole Job fails."""

    action: str
    message: str = ""

    @property
    def counts(self) -> bool:
        """The failure is one of those that the limits are about."""
        return self.action != "Ignore"


#: What becomes of a failed pod that no rule knows.
COUNT = Verdict("Count")


def verdict(job: Object, pod: Object) -> Verdict:
    for index, rule in enumerate((spec(job).get("podFailurePolicy") or {}).get("rules") or []):
        cause = _exit_cause(rule, pod) if rule.get("onExitCodes") else _condition_cause(rule, pod)
        if cause:
            action = str(rule["action"])
            message = f"{cause} matching {action} rule at index {index}" if action == "FailJob" else ""
            return Verdict(action, message)
    return COUNT


def _exit_cause(rule: Object, pod: Object) -> str:
    """Which container ended in a way that the rule is about, in Kubernetes' words, or ""."""
    wanted = rule["onExitCodes"]
    for entry in _container_statuses(pod):
        code = ((entry.get("state") or {}).get("terminated") or {}).get("exitCode")
        # None: still running; 0: it did not fail.
        if code and wanted.get("containerName") in (None, entry.get("name")) and _matches(code, wanted):
            return f"Container {entry.get('name')} for pod {namespace(pod)}/{name(pod)} failed with exit code {code}"
    return ""


def _container_statuses(pod: Object) -> Iterable[Object]:
    return [*(status(pod).get("containerStatuses") or []), *(status(pod).get("initContainerStatuses") or [])]


def _matches(code: int, wanted: Object) -> bool:
    listed = code in wanted["values"]
    return listed if wanted["operator"] == "In" else not listed


def _condition_cause(rule: Object, pod: Object) -> str:
    there = {(entry.get("type"), entry.get("status")) for entry in status(pod).get("conditions") or []}
    for pattern in rule.get("onPodConditions") or []:
        if (pattern["type"], pattern.get("status") or "True") in there:
            return f"Pod {namespace(pod)}/{name(pod)} has condition {pattern['type']}"
    return ""
