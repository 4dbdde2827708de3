"""Job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api.checks import MAX_INT32
from orchestrator.api.defaults import default_template, fill
from orchestrator.api.errors import FieldError, invalid
from orchestrator.api.meta import Object, is_deleting, labels, metadata, name, spec, status
from orchestrator.api.names import dns_label
from orchestrator.api.strategies import job_selector
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created
from orchestrator.api.strategies.job_changes import changes
from orchestrator.api.strategies.job_rules import INDEXED, NON_INDEXED, job_spec
from orchestrator.api.strategies.job_status import (
    COMPLETE,
    FAILED,
    FAILURE_TARGET,
    SUCCESS_CRITERIA_MET,
    SUSPENDED,
    has,
    job_status,
    status_changes,
)
from orchestrator.api.strategies.workload import TEMPLATE_COLUMNS, template_cells, template_labels
from orchestrator.api.times import age, parse

_SPEC = {"completionMode": NON_INDEXED, "suspend": False, "manualSelector": False}
#: Attempts in all; a limit per index stands in for it.
_BACKOFF_LIMIT = 6
#: Above both, the failed indexes may become too many to be told.
_MANY_COMPLETIONS, _MANY_PODS = 100_000, 10_000
_TOO_LARGE = (
    "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, "
    "Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
)
_ORPHANED = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or "
    "set propagationPolicy=Orphan to suppress this warning"
)
#: The conditions that the Status column knows, in their order, around a deletion's mark.
_ENDED, _UNDER_WAY = (COMPLETE, FAILED), (SUSPENDED, FAILURE_TARGET, SUCCESS_CRITERIA_MET)


class JobStrategy(Strategy):
    columns = (
        NAME,
        Column("Status", description="Complete, Failed, Suspended, Running ..."),
        Column("Completions", description="The pods that succeeded, of those that are wanted."),
        Column("Duration", description="How long the job has run, or ran."),
        AGE,
        *TEMPLATE_COLUMNS,
    )
    has_generation = True
    orphans_dependents = True
    selectable = frozenset({"status.successful"})

    def default(self, obj: Object) -> None:
        job = obj.setdefault("spec", {})
        default_template(job.setdefault("template", {}))
        if job.get("completions") is None and job.get("parallelism") is None:
            job["completions"] = 1
        per_index = job.get("backoffLimitPerIndex") is not None
        fill(job, {"parallelism": 1, "backoffLimit": MAX_INT32 if per_index else _BACKOFF_LIMIT, **_SPEC})
        policy = job.get("podFailurePolicy")
        fill(job, {"podReplacementPolicy": "TerminatingOrFailed" if policy is None else "Failed"})
        default_failure_policy(job)
        _label_as_pods(obj)

    def prepare_create(self, obj: Object, now: float) -> None:
        inherited = labels(obj) == template_labels(obj["spec"]["template"])
        if not job_selector.is_manual(obj):
            job_selector.generate(obj)
        if inherited:
            metadata(obj).pop("labels", None)
            _label_as_pods(obj)
        obj["status"] = {}

    def validate(self, obj: Object) -> list[FieldError]:
        return [*job_selector.selector(obj), *job_spec(spec(obj), "spec"), *_host_names(obj)]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(changes(new, old))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return [*job_status(new), *status_changes(new, old)]

    def warnings(self, obj: Object) -> list[str]:
        job = spec(obj)
        large = (job.get("completions") or 0) > _MANY_COMPLETIONS and (job.get("parallelism") or 0) > _MANY_PODS
        return [*name_warnings(obj), *([_TOO_LARGE] if large and job.get("completionMode") == INDEXED else [])]

    def delete_warnings(self, propagation: str) -> list[str]:
        return [] if propagation else [_ORPHANED]

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.successful": str(status(obj).get("succeeded") or 0)}

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (
            name(obj),
            _state(obj),
            _completions(obj),
            _duration(status(obj), now),
            created(obj, now),
            *template_cells(spec(obj)),
        )


def default_failure_policy(job: Object) -> None:
    """Of a Job's spec, in place."""
    for rule in (job.get("podFailurePolicy") or {}).get("rules") or []:
        for pattern in rule.get("onPodConditions") or []:
            fill(pattern, {"status": "True"})


def name_warnings(obj: Object) -> list[str]:
    problems = dns_label(name(obj)) if name(obj) else []
    if not problems:
        return []
    why = "this is used in Pod names and hostnames, which can result in surprising behavior"
    return [f"metadata.name: {why}; a DNS label is recommended: [{' '.join(problems)}]"]


def _label_as_pods(obj: Object) -> None:
    """A Job without labels has those of its pods."""
    pods = template_labels(obj["spec"]["template"])
    if pods and not labels(obj):
        metadata(obj)["labels"] = dict(pods)


def _host_names(obj: Object) -> list[FieldError]:
    """The pods of an indexed Job are called by its name and their index."""
    completions = spec(obj).get("completions") or 0
    if spec(obj).get("completionMode") != INDEXED or completions <= 0:
        return []
    longest = f"{name(obj)}-{completions - 1}"
    why = f"will not able to create pod with invalid DNS label: {longest}"
    return [invalid("metadata.name", name(obj), why)] if dns_label(longest) else []


def _state(obj: Object) -> str:
    ended = next((kind for kind in _ENDED if has(obj, kind)), "")
    if not ended and is_deleting(obj):
        return "Terminating"
    return ended or next((kind for kind in _UNDER_WAY if has(obj, kind)), "Running")


def _completions(obj: Object) -> str:
    succeeded, wanted = status(obj).get("succeeded") or 0, spec(obj).get("completions")
    parallelism = spec(obj).get("parallelism") or 0
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    # One that succeeds tells all the pods that the work is done.
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(status: Object, now: float) -> str:
    began, ended = status.get("startTime"), status.get("completionTime")
    if not began:
        return ""
    return age((parse(ended) if ended else now) - parse(began))
