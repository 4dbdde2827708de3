"""The selector of a Job, and the labels of its pods that it selects, which the server makes from uid and name.

Unless the Job says `manualSelector`. Each label comes with and without Kubernetes' prefix: older programs look for the
names without.
"""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.api.checks import Errors
from orchestrator.api.errors import invalid, required
from orchestrator.api.meta import Object, name, spec, uid
from orchestrator.api.selectors import label_selector
from orchestrator.api.strategies.workload import matches_template, template_labels
from orchestrator.api.validation import validate_selector

_PREFIX = "batch.kubernetes.io/"
_CONTROLLER_UID = "controller-uid"
_JOB_NAME = "job-name"


def generate(job: Object) -> None:
    """Fill in what is missing, in place. What is there already and wrong, `generated` finds."""
    template = job["spec"].setdefault("template", {}).setdefault("metadata", {})
    template["labels"] = {**_labels(job), **(template.get("labels") or {})}
    selector = job["spec"].setdefault("selector", {})
    unique = f"{_PREFIX}{_CONTROLLER_UID}"
    selector["matchLabels"] = {unique: uid(job), **(selector.get("matchLabels") or {})}


def is_manual(job: Object) -> bool:
    return bool(spec(job).get("manualSelector"))


def selector(job: Object) -> Errors:
    """The rules of `spec.selector` and of the labels."""
    selector, template = spec(job).get("selector"), spec(job).get("template") or {}
    if selector is None:
        yield required("spec.selector")
        return
    errors = list(validate_selector(selector, "spec.selector"))
    yield from errors
    if errors:
        return
    yield from matches_template(selector, template)
    if not is_manual(job):
        yield from _generated(job, selector, template_labels(template))


def _generated(job: Object, selector: Object, labels: Mapping[str, str]) -> Errors:
    expected = _labels(job)
    for key, value in expected.items():
        field = f"spec.template.metadata.labels[{key}]"
        if key not in labels:
            yield required(field, f"must be '{value}'")
        elif labels[key] != value:
            yield invalid(field, dict(labels), f"must be '{value}'")
    if not label_selector(selector).matches(expected):
        yield invalid("spec.selector", selector, "`selector` not auto-generated")


def _labels(job: Object) -> dict[str, str]:
    own = {_CONTROLLER_UID: uid(job), _JOB_NAME: name(job)}
    return {f"{prefix}{key}": value for prefix in (_PREFIX, "") for key, value in own.items()}
