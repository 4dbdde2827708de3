"""What of a Job may change after its creation."""

from __future__ import annotations

from orchestrator.api.checks import Errors, unchanged
from orchestrator.api.errors import invalid
from orchestrator.api.meta import Object, spec, status
from orchestrator.api.strategies.job_rules import INDEXED

_FIXED = (
    "selector",
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
)
#: What says where pods run: it may change until the first of them is made.
_DIRECTIVES = ("nodeSelector", "tolerations", "schedulingGates")
_METADATA = ("labels", "annotations")


def changes(new: Object, old: Object) -> Errors:
    wanted, current = spec(new), spec(old)
    yield from _completions(wanted, current)
    for field in _FIXED:
        yield from unchanged(f"spec.{field}", wanted.get(field), current.get(field))
    template, before = wanted.get("template") or {}, current.get("template") or {}
    if current.get("suspend") and not status(old).get("startTime"):
        if _but_directives(template) != _but_directives(before):
            yield from unchanged("spec.template", template, before)
    else:
        yield from unchanged("spec.template", template, before)


def _completions(wanted: Object, current: Object) -> Errors:
    """An indexed Job grows and shrinks as a whole: all its indexes run at a time."""
    completions = wanted.get("completions")
    if wanted.get("completionMode") != INDEXED:
        yield from unchanged("spec.completions", completions, current.get("completions"))
    elif completions is not None and completions not in (current.get("completions"), wanted.get("parallelism")):
        yield invalid("spec.completions", completions, "can only be modified in tandem with spec.parallelism")


def _but_directives(template: Object) -> Object:
    """The part of the template that says what runs, not where."""
    meta = {name: value for name, value in (template.get("metadata") or {}).items() if name not in _METADATA}
    pod = {name: value for name, value in (template.get("spec") or {}).items() if name not in _DIRECTIVES}
    affinity = {name: value for name, value in (pod.pop("affinity", None) or {}).items() if name != "nodeAffinity"}
    return {"metadata": meta, "spec": pod, "affinity": affinity}
