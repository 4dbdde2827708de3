"""Which pods an autoscaler measures: those that its target's scale selects. Pure. Sentences are Kubernetes'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.api.errors import BadRequest
from orchestrator.api.meta import Key, Object, labels, status
from orchestrator.api.selectors import LabelSelector, parse_label_selector


@dataclass(frozen=True, slots=True)
class BadSelector(Exception):
    """`cause` is what the event says, under `event`; the condition has its own words."""

    event: str
    cause: str
    reason: str
    message: str


def selector_of(scale: Object) -> LabelSelector:
    """Raises BadSelector."""
    text = str(status(scale).get("selector") or "")
    if not text:
        missing = "the HPA target's scale is missing a selector"
        raise BadSelector("SelectorRequired", "selector is required", "InvalidSelector", missing)
    try:
        return parse_label_selector(text)
    except BadRequest as error:
        why = f"couldn't convert selector into a corresponding internal selector object: {error}"
        raise BadSelector("InvalidSelector", why, "InvalidSelector", why) from error


def selected(
    text: str, selector: LabelSelector, pods: Iterable[Object], others: Mapping[Key, LabelSelector]
) -> list[Object]:
    """Of the namespace's pods those that `selector`, written `text`, chooses. `others` are all autoscalers' selectors
    there, this one's too: raises BadSelector when they share pods, as each would undo what the other does."""
    chosen = [pod for pod in pods if selector.matches(labels(pod))]
    sharing = [key for key, other in others.items() if any(other.matches(labels(pod)) for pod in chosen)]
    if len(sharing) > 1:
        why = f"pods by selector {text} are controlled by multiple HPAs: [{' '.join(sharing)}]"
        raise BadSelector("AmbiguousSelector", why, "AmbiguousSelector", why)
    return chosen
