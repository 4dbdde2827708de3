"""Which pods a word means: a pod's own name, or a workload or service that selects pods."""

from __future__ import annotations

from orchestrator.api import meta
from orchestrator.api.meta import Object
from orchestrator.api.selectors import selector_text
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs import targets
from orchestrator.cli.verbs.session import Session
from orchestrator.cli.verbs.targets import DEFAULT_NAMESPACE, Target


def target(session: Session, word: str, namespace: str) -> Target:
    """`NAME` is a pod's, `TYPE/NAME` any object's. Raises Failure."""
    words = [word] if "/" in word else ["pods", word]
    return targets.parse(session.catalog, words, namespace or DEFAULT_NAMESPACE)[0]


def pods(session: Session, chosen: Target, obj: Object) -> list[Object]:
    """The pod itself, or those that the object selects, the best to talk to first. Raises Failure."""
    if chosen.kind.resource == "pods":
        return [obj]
    selector = pod_selector(obj)
    if not selector:
        raise Failure(f"{chosen} selects no pods: name a pod, or a workload or service that has some")
    found = session.list_of("pods", chosen.namespace, labelSelector=selector)
    if not found:
        raise Failure(f"{chosen} has no pods now (they would be labelled {selector})")
    return sorted(found, key=_rank)


def pod_selector(obj: Object) -> str:
    """As a query parameter; "" when the object selects no pods. A Service's selector is a plain map."""
    selector = meta.spec(obj).get("selector") or {}
    if not isinstance(selector, dict):
        return ""
    whole = selector if selector.keys() & {"matchLabels", "matchExpressions"} else {"matchLabels": selector}
    return selector_text(whole) if selector else ""


def _rank(pod: Object) -> tuple[bool, bool, bool, str]:
    """Not on its way out, running and ready come first; then the older."""
    ready = (meta.condition(pod, "Ready") or {}).get("status") == "True"
    running = meta.status(pod).get("phase") == "Running"
    return meta.is_deleting(pod), not running, not ready, str(meta.metadata(pod).get("creationTimestamp"))


def container(pod: Object, wanted: str) -> str:
    """The container to talk to: the one asked for, the annotated default, or the first."""
    if wanted:
        return wanted
    default = meta.annotations(pod).get("kubectl.kubernetes.io/default-container", "")
    names = [str(each["name"]) for each in meta.spec(pod)["containers"]]
    return default if default in names else names[0]
