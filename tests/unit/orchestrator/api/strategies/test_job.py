from __future__ import annotations

import copy
from typing import Any

import pytest

from orchestrator.api.groups.batch import JOB
from orchestrator.api.meta import Object, labels, spec
from orchestrator.api.strategies import job_indexes
from orchestrator.api.strategies.workload import template_labels
from tests.unit.orchestrator.api.strategies.rows import defaulted, sentences

UID = "11111111-2222-3333-4444-555555555555"
POD = {"restartPolicy": "Never", "containers": [{"name": "pi", "image": "perl"}]}
LABELS = {
    "batch.kubernetes.io/controller-uid": UID,
    "batch.kubernetes.io/job-name": "pi",
    "controller-uid": UID,
    "job-name": "pi",
}
STARTED = {"startTime": "2026-01-31T10:00:00Z"}
COMPLETE = {
    **STARTED,
    "completionTime": "2026-01-31T10:00:09Z",
    "succeeded": 1,
    "conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}],
}


def job(**fields: Any) -> Object:
    """As the client sends it, but for the uid."""
    return copy.deepcopy({"metadata": {"name": "pi", "uid": UID}, "spec": {"template": {"spec": POD}, **fields}})


def created(**fields: Any) -> Object:
    obj = defaulted(JOB, job(**fields))
    JOB.strategy.prepare_create(obj, 0)
    return obj


def problems(**fields: Any) -> list[str]:
    return sentences(JOB.strategy.validate(created(**fields)))


def indexed(**fields: Any) -> Object:
    return {"completionMode": "Indexed", "completions": 5, **fields}


def pod(**fields: Any) -> Object:
    return {"template": {"spec": {**POD, **fields}}}


def failure_policy(**rule: Any) -> Object:
    return {"podFailurePolicy": {"rules": [{"action": "FailJob", **rule}]}}


def exit_codes(*values: int, **fields: Any) -> Object:
    return failure_policy(onExitCodes={"operator": "In", "values": list(values), **fields})


def test_defaults() -> None:
    found = spec(defaulted(JOB, job()))
    assert {name: found[name] for name in found if name != "template"} == {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"parallelism": 3}, "completions", None),
        ({"completions": 3}, "parallelism", 1),
        (indexed(backoffLimitPerIndex=0), "backoffLimit", 2**31 - 1),
        (exit_codes(1), "podReplacementPolicy", "Failed"),
    ],
)
def test_defaults_by_other_fields(fields: Object, name: str, value: object) -> None:
    assert spec(defaulted(JOB, job(**fields))).get(name) == value


def test_a_condition_pattern_means_true() -> None:
    found = spec(defaulted(JOB, job(**failure_policy(onPodConditions=[{"type": "DisruptionTarget"}]))))
    assert found["podFailurePolicy"]["rules"][0]["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]


def test_the_selector_and_the_labels_are_made() -> None:
    obj = created()
    assert spec(obj)["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": UID}}
    assert template_labels(spec(obj)["template"]) == labels(obj) == LABELS
    assert obj["status"] == {}
    assert sentences(JOB.strategy.validate(obj)) == []


def test_own_labels_stay() -> None:
    obj = job(template={"metadata": {"labels": {"app": "pi"}}, "spec": POD})
    obj["metadata"]["labels"] = {"team": "math"}
    JOB.strategy.prepare_create(defaulted(JOB, obj), 0)
    assert template_labels(spec(obj)["template"]) == {"app": "pi", **LABELS}
    assert labels(obj) == {"team": "math"}


def test_labels_that_are_wrong() -> None:
    found = problems(template={"metadata": {"labels": {"job-name": "e"}}, "spec": POD})
    assert len(found) == 1
    assert found[0].startswith("spec.template.metadata.labels[job-name]: Invalid value:")
    assert found[0].endswith("must be 'pi'")


def test_a_selector_that_is_not_the_jobs_own() -> None:
    found = problems(selector={"matchLabels": {"app": "x"}})
    assert [sentence.rpartition(": ")[2] for sentence in found] == [
        "`selector` does not match template `labels`",
        "`selector` not auto-generated",
    ]


def test_a_manual_selector() -> None:
    template = {"metadata": {"labels": {"app": "pi"}}, "spec": POD}
    selector = {"matchLabels": {"app": "pi"}}
    obj = created(manualSelector=True, selector=selector, template=template)
    assert spec(obj)["selector"] == selector
    assert labels(obj) == template_labels(spec(obj)["template"]) == {"app": "pi"}
    assert sentences(JOB.strategy.validate(obj)) == []
    assert problems(manualSelector=True, template=template) == ["spec.selector: Required value"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"parallelism": -1}, "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
        ({"ttlSecondsAfterFinished": -1}, "spec.ttlSecondsAfterFinished: Invalid value: -1"),
        (
            {"template": {"spec": {"containers": POD["containers"]}}},
            'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
        (pod(restartPolicy="x"), 'spec.template.spec.restartPolicy: Unsupported value: "x"'),
        (pod(containers=[]), "spec.template.spec.containers: Required value"),
        (
            {**pod(restartPolicy="OnFailure"), **exit_codes(1)},
            'restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
        ),
        ({"completionMode": "x"}, 'spec.completionMode: Unsupported value: "x": supported values: "Indexed", "Non'),
        ({"completionMode": "Indexed", "parallelism": 2}, "spec.completions: Required value: when completion mode is"),
        (indexed(parallelism=100_001), "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000"),
        ({"backoffLimitPerIndex": 1}, "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"),
        (indexed(maxFailedIndexes=1), "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"),
        (
            indexed(maxFailedIndexes=6, backoffLimitPerIndex=1),
            "spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions",
        ),
        (
            indexed(completions=100_001, backoffLimitPerIndex=1),
            "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
        ),
        (
            indexed(completions=100_001, backoffLimitPerIndex=1, maxFailedIndexes=1, parallelism=10_001),
            "spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above",
        ),
        ({"podReplacementPolicy": "x"}, 'spec.podReplacementPolicy: Unsupported value: "x": supported values: "Failed'),
        (
            {**exit_codes(1), "podReplacementPolicy": "TerminatingOrFailed"},
            'Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
        ),
        ({"managedBy": "me"}, 'spec.managedBy: Invalid value: "me": must be a domain-prefixed path'),
        ({"managedBy": f"example.com/{'x' * 60}"}, "spec.managedBy: Too long: may not be more than 63 bytes"),
        (failure_policy(action="x", onExitCodes={"operator": "In", "values": [1]}), 'action: Unsupported value: "x"'),
        (exit_codes(0), "values[0]: Invalid value: 0: must not be 0 for the In operator"),
        (exit_codes(2, 1), "values: Invalid value: [2,1]: must be ordered"),
        (exit_codes(1, 1), "values[1]: Duplicate value: 1"),
        (exit_codes(), "values: Invalid value: []: at least one value is required"),
        (exit_codes(1, operator=""), 'operator: Required value: valid values: ["In" "NotIn"]'),
        (exit_codes(1, containerName="x"), 'containerName: Invalid value: "x": must be one of the container'),
        (failure_policy(), "specifying one of OnExitCodes and OnPodConditions is required"),
        (failure_policy(onPodConditions=[{"type": "a", "status": "x"}]), 'status: Unsupported value: "x"'),
        (
            {"podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "a"}]}] * 21}},
            "spec.podFailurePolicy.rules: Too many: 21: must have at most 20 items",
        ),
        (
            indexed(podFailurePolicy={"rules": [{"action": "FailIndex", "onPodConditions": [{"type": "a"}]}]}),
            'action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
        ),
        ({"successPolicy": {"rules": [{"succeededCount": 1}]}}, "spec.successPolicy: Invalid value: {"),
        (indexed(successPolicy={}), "spec.successPolicy.rules: Required value: at least one rules must be"),
        (indexed(successPolicy={"rules": [{}]}), "at least one of succeededCount or succeededIndexes must be"),
        (
            indexed(successPolicy={"rules": [{"succeededCount": 6}]}),
            "Invalid value: 6: must be less than or equal to 5 (the number of specified completions)",
        ),
        (
            indexed(successPolicy={"rules": [{"succeededCount": 3, "succeededIndexes": "0,2"}]}),
            "must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)",
        ),
        (
            indexed(successPolicy={"rules": [{"succeededIndexes": "5"}]}),
            'succeededIndexes: Invalid value: "5": error parsing succeededIndexes: too large index: "5"',
        ),
    ],
)
def test_wrong(fields: Object, expected: str) -> None:
    found = problems(**fields)
    assert len(found) == 1, found
    assert expected in found[0]


def test_the_longest_pod_must_have_a_host_name() -> None:
    obj = created(**indexed())
    obj["metadata"]["name"] = "x" * 62
    found = sentences(JOB.strategy.validate(obj))
    assert any(f"will not able to create pod with invalid DNS label: {'x' * 62}-4" in problem for problem in found)


def changed(old: Object, **fields: Any) -> list[str]:
    new = copy.deepcopy(old)
    new["spec"].update(fields)
    return [error.field for error in JOB.strategy.validate_update(new, old)]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"parallelism": 4}, []),
        ({"suspend": True}, []),
        ({"ttlSecondsAfterFinished": 5, "activeDeadlineSeconds": 9, "backoffLimit": 1}, []),
        ({"completions": 4}, ["spec.completions"]),
        ({"selector": {}}, ["spec.selector"]),
        ({"template": {}}, ["spec.template"]),
        ({"completionMode": "Indexed"}, ["spec.completionMode"]),
        ({"backoffLimitPerIndex": 1}, ["spec.backoffLimitPerIndex"]),
        ({"podFailurePolicy": {}}, ["spec.podFailurePolicy"]),
    ],
)
def test_changes(fields: Object, wrong: list[str]) -> None:
    assert changed(created(), **fields) == wrong


@pytest.mark.parametrize(
    ("completions", "parallelism", "wrong"), [(3, 3, []), (3, 5, ["spec.completions"]), (5, 2, [])]
)
def test_an_indexed_job_changes_its_size_as_a_whole(completions: int, parallelism: int, wrong: list[str]) -> None:
    old = created(**indexed(parallelism=5))
    assert changed(old, completions=completions, parallelism=parallelism) == wrong


NODE_AFFINITY = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}


@pytest.mark.parametrize(
    "directive",
    [
        {"nodeSelector": {"disk": "ssd"}},
        {"tolerations": [{"operator": "Exists"}]},
        {"schedulingGates": [{"name": "a"}]},
        {"affinity": NODE_AFFINITY},
    ],
)
def test_where_pods_run_may_change_until_they_do(directive: Object) -> None:
    old = created(suspend=True)
    template = copy.deepcopy(spec(old)["template"])
    template["spec"] |= directive
    assert changed(old, template=template) == []
    assert changed({**old, "status": STARTED}, template=template) == ["spec.template"]
    assert changed(created(), template=template) == ["spec.template"]
    template["spec"]["hostNetwork"] = True
    assert changed(old, template=template) == ["spec.template"]


def wrong_status(status: Object, old: Object | None = None, **fields: Any) -> list[str]:
    obj = created(**fields)
    return sentences(JOB.strategy.validate_status({**obj, "status": status}, {**obj, "status": old or {}}))


def test_right_statuses() -> None:
    assert wrong_status({**STARTED, "active": 2, "ready": 1}) == []
    assert wrong_status(COMPLETE, STARTED) == []
    indexes = {"completedIndexes": "0,2-3", "failedIndexes": "1"}
    assert wrong_status(indexes, **indexed(backoffLimitPerIndex=1)) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"terminating": -1}, "status.terminating: Invalid value: -1: must be greater than or equal to 0"),
        ({"ready": 1}, "status.ready: Invalid value: 1: cannot set more ready pods than active"),
        (
            {**COMPLETE, "conditions": COMPLETE["conditions"][1:]},  # type: ignore[index]
            "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        ),
        ({**COMPLETE, "active": 1}, "status.active: Invalid value: 1: active>0 is invalid for finished job"),
        ({**COMPLETE, "completionTime": None}, "completionTime is required for Complete jobs"),
        ({**COMPLETE, "completionTime": "2026-01-31T09:00:00Z"}, "completionTime cannot be set before startTime"),
        ({**COMPLETE, "startTime": None}, "status.startTime: Required value: startTime is required for finished job"),
        ({"completionTime": "2026-01-31T10:00:09Z"}, "cannot set completionTime when there is no Complete=True"),
        ({"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["a"]}}, "failed[0]: Duplicate value"),
        ({"uncountedTerminatedPods": {"failed": [""]}}, 'failed[0]: Invalid value: "": must not be empty'),
        ({**COMPLETE, "uncountedTerminatedPods": {"failed": ["a"]}}, "needs to be empty for finished job"),
        ({"completedIndexes": "0"}, "cannot set non-empty completedIndexes when non-indexed completion mode"),
        ({"failedIndexes": "0"}, "cannot set non-null failedIndexes when backoffLimitPerIndex is null"),
    ],
)
def test_wrong_statuses(status: Object, expected: str) -> None:
    found = wrong_status(status)
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(
    ("completed", "failed", "expected"),
    [
        ("0-2", "2", "failedIndexes and completedIndexes overlap at index: 2"),
        ("x", "1", "error parsing completedIndexes: cannot convert string to integer"),
        ("1", "3,2", "error parsing failedIndexes: non-increasing order, previous: 3, current: 2"),
    ],
)
def test_wrong_indexes(completed: str, failed: str, expected: str) -> None:
    status = {"completedIndexes": completed, "failedIndexes": failed}
    found = wrong_status(status, **indexed(backoffLimitPerIndex=1))
    assert len(found) == 1, found
    assert expected in found[0]


def test_what_has_ended_does_not_begin_again() -> None:
    expected = [
        "status.conditions: Invalid value: []: cannot disable the terminal Complete=True condition",
        "status.conditions: Invalid value: []: cannot disable the terminal SuccessCriteriaMet=True condition",
        "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter",
        "status.startTime: Required value: startTime cannot be removed for unsuspended job",
    ]
    assert wrong_status({}, COMPLETE) == expected
    assert wrong_status({}, STARTED, suspend=True) == []


@pytest.mark.parametrize(("one", "other", "common"), [("0-3,8", "4-7,9", None), ("1,5-9", "0,7", 7), ("", "1", None)])
def test_overlap(one: str, other: str, common: int | None) -> None:
    assert job_indexes.overlap(one, other, 10) == common
    assert job_indexes.overlap(other, one, 10) == common


def test_warnings() -> None:
    dotted = {**created(), "metadata": {"name": "a.b"}}
    assert "metadata.name: this is used in Pod names and hostnames" in JOB.strategy.warnings(dotted)[0]
    large = created(**indexed(completions=100_001, parallelism=10_001))
    assert "Kubernetes might not be able to track completedIndexes" in JOB.strategy.warnings(large)[0]
    assert JOB.strategy.warnings(created()) == []
