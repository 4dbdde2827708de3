from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.meta import Object, name
from orchestrator.controllers.job_failure_policy import verdict
from tests.unit.orchestrator.controllers.objects import condition, job, job_pod


def judged(rules: list[Object], pod: Object) -> tuple[str, str]:
    found = verdict(job(podFailurePolicy={"rules": rules}), pod)
    return found.action, found.message


def codes(action: str, operator: str, *values: int, **fields: Any) -> Object:
    return {"action": action, "onExitCodes": {"operator": operator, "values": list(values), **fields}}


def on_condition(action: str, kind: str, **fields: Any) -> Object:
    return {"action": action, "onPodConditions": [{"type": kind, **fields}]}


@pytest.mark.parametrize(
    ("rules", "action"),
    [
        ([], "Count"),
        ([codes("Ignore", "In", 42)], "Ignore"),
        ([codes("Ignore", "In", 1, 2)], "Count"),
        ([codes("Ignore", "NotIn", 1, 2)], "Ignore"),
        ([codes("Ignore", "NotIn", 42)], "Count"),
        ([codes("Ignore", "In", 42, containerName="app")], "Ignore"),
        ([codes("Ignore", "In", 42, containerName="side")], "Count"),
        ([codes("FailIndex", "In", 42), codes("Ignore", "In", 42)], "FailIndex"),
        ([on_condition("Ignore", "DisruptionTarget"), codes("FailIndex", "In", 42)], "FailIndex"),
    ],
)
def test_the_first_rule_that_matches_decides(rules: list[Object], action: str) -> None:
    assert judged(rules, job_pod(job(), "Failed", exit_code=42))[0] == action


def test_conditions_match_by_type_and_status() -> None:
    pod = job_pod(job(), "Failed")
    pod["status"]["conditions"].append(condition("DisruptionTarget", "True"))
    assert judged([on_condition("Ignore", "DisruptionTarget", status="True")], pod)[0] == "Ignore"
    assert judged([on_condition("Ignore", "DisruptionTarget", status="False")], pod)[0] == "Count"


def test_what_fails_the_job_says_why() -> None:
    pod = job_pod(job(), "Failed", exit_code=3)
    pod["status"]["conditions"].append(condition("DisruptionTarget", "True"))
    why = f"Container app for pod default/{name(pod)} failed with exit code 3 matching FailJob rule at index 1"
    assert judged([codes("Ignore", "In", 9), codes("FailJob", "In", 3)], pod) == ("FailJob", why)
    why = f"Pod default/{name(pod)} has condition DisruptionTarget matching FailJob rule at index 0"
    assert judged([on_condition("FailJob", "DisruptionTarget")], pod) == ("FailJob", why)


def test_init_containers_count_and_successes_do_not() -> None:
    pod = job_pod(job(), "Failed", exit_code=0)
    assert judged([codes("Ignore", "NotIn", 42)], pod)[0] == "Count"
    pod["status"]["initContainerStatuses"] = [{"name": "init", "state": {"terminated": {"exitCode": 7}}}]
    assert judged([codes("Ignore", "NotIn", 42)], pod)[0] == "Ignore"
