"""The pods of a Job, as they are made. Pure."""

from __future__ import annotations

from copy import deepcopy

from orchestrator.api.meta import Object, name
from orchestrator.api.pods import containers, init_containers
from orchestrator.controllers.job_failure_policy import verdict
from orchestrator.controllers.job_pods import (
    INDEX,
    INDEX_FAILURES,
    INDEX_IGNORED,
    TRACKING,
    all_index_failures,
    index_failures,
    limit_per_index,
)
from orchestrator.controllers.job_steps import Birth
from orchestrator.controllers.replicaset_plan import new_pod as pod_of

#: Where a program finds the index of its pod.
VARIABLE = "JOB_COMPLETION_INDEX"
_FROM_LABEL = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
#: The server cuts a longer beginning of a name, and with it the index at its end.
_LONGEST_PREFIX = 58


def new_pod(job: Object, birth: Birth) -> Object:
    pod = pod_of(job)
    meta = pod["metadata"]
    meta["finalizers"] = [*(entry for entry in meta.get("finalizers") or [] if entry != TRACKING), TRACKING]
    if birth.index is not None:
        _give_index(pod, job, birth.index)
        if limit_per_index(job) is not None:
            meta["annotations"] |= _failures(job, birth.replaces)
    return pod


def _give_index(pod: Object, job: Object, index: int) -> None:
    meta, suffix = pod["metadata"], f"-{index}-"
    meta["generateName"] = name(job)[: _LONGEST_PREFIX - len(suffix)] + suffix
    for field in ("annotations", "labels"):
        meta[field] = {**(meta.get(field) or {}), INDEX: str(index)}
    pod["spec"]["hostname"] = f"{name(job)}-{index}"
    for container in [*init_containers(pod), *containers(pod)]:
        variables = container.get("env") or []
        if all(variable.get("name") != VARIABLE for variable in variables):
            container["env"] = [*variables, {"name": VARIABLE, "valueFrom": deepcopy(_FROM_LABEL)}]


def _failures(job: Object, replaced: Object | None) -> dict[str, str]:
    """How often the index has failed, for the pod that takes it over; ignored failures only where there are any."""
    if replaced is None:
        return {INDEX_FAILURES: "0"}
    counted, ignored = index_failures(replaced), all_index_failures(replaced) - index_failures(replaced)
    if verdict(job, replaced).counts:
        counted += 1
    else:
        ignored += 1
    return {INDEX_FAILURES: str(counted)} | ({INDEX_IGNORED: str(ignored)} if ignored else {})
