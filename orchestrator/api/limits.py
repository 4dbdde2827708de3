"""What LimitRanges do to pods and claims: fill in what a container leaves out, refuse what is out of bounds (pure).

Messages are those of `k8s.io/kubernetes/plugin/pkg/admission/limitranger`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from orchestrator.api import pods
from orchestrator.api.meta import Object, metadata, spec
from orchestrator.api.pods import Resources
from orchestrator.api.quantity import canonical, like, parse
from orchestrator.api.strategies.persistentvolumeclaim import requested

ANNOTATION = "kubernetes.io/limit-ranger"


def fill_in(pod: Object, limit_range: Object) -> None:
    """Give the containers the range's default limits and requests, in place, and say so in an annotation."""
    done: list[str] = []
    for item in _items(limit_range, "Container"):
        for container in pods.containers(pod):
            done += _fill(container, item, f"container {_name(container)}")
        for container in pods.init_containers(pod):
            done += _fill(container, item, f"init container {_name(container)}")
    if done:
        annotations = metadata(pod).setdefault("annotations", {})
        annotations[ANNOTATION] = f"LimitRanger plugin set: {'; '.join(done)}"


def pod_problems(pod: Object, limit_range: Object) -> list[str]:
    """How the pod breaks the range."""
    problems: list[str] = []
    for item in _items(limit_range, "Container"):
        for container in [*pods.containers(pod), *pods.init_containers(pod)]:
            resources = container.get("resources") or {}
            problems += _problems(item, resources.get("requests") or {}, resources.get("limits") or {})
    for item in _items(limit_range, "Pod"):
        problems += _problems(item, _quantities(pods.requests(pod)), _quantities(pods.limits(pod)))
    return problems


def claim_problems(claim: Object, limit_range: Object) -> list[str]:
    """How the claim breaks the range."""
    size = requested(claim)
    requests = {"storage": size} if size is not None else {}
    problems: list[str] = []
    for item in _items(limit_range, "PersistentVolumeClaim"):
        for bound, exceeds in (("minimum", _less), ("maximum", _more)):
            for resource, allowed in (item.get(bound[:3]) or {}).items():
                start = f"{bound} {resource} usage per PersistentVolumeClaim is {allowed}"
                problems += _bound(start, "request", requests.get(resource), allowed, exceeds, needed=True)
    return problems


def joined(problems: Iterable[str]) -> str:
    """One problem as it is; more in brackets."""
    listed = list(problems)
    return listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"


def _items(limit_range: Object, kind: str) -> Iterator[Object]:
    return (item for item in spec(limit_range).get("limits") or [] if item.get("type") == kind)


def _fill(container: Object, item: Object, what: str) -> Iterator[str]:
    """Sentences for the annotation: `cpu, memory request for container web`."""
    resources = container.setdefault("resources", {})
    for noun, field, source in (("request", "requests", "defaultRequest"), ("limit", "limits", "default")):
        given: Object = resources.get(field) or {}
        added = {resource: amount for resource, amount in (item.get(source) or {}).items() if resource not in given}
        if added:
            resources[field] = {**given, **added}
            yield f"{', '.join(sorted(added))} {noun} for {what}"


def _problems(item: Object, requests: Object, limits: Object) -> Iterator[str]:
    """Of each bound the first thing that breaks it."""
    where = f"per {item.get('type')} is"
    for resource, least in (item.get("min") or {}).items():
        start = f"minimum {resource} usage {where} {least}"
        request = _bound(start, "request", requests.get(resource), least, _less, needed=True)
        limit = _bound(start, "limit", limits.get(resource), least, _less, needed=False)
        yield from islice(chain(request, limit), 1)
    for resource, most in (item.get("max") or {}).items():
        start = f"maximum {resource} usage {where} {most}"
        limit = _bound(start, "limit", limits.get(resource), most, _more, needed=True)
        request = _bound(start, "request", requests.get(resource), most, _more, needed=False)
        yield from islice(chain(limit, request), 1)
    for resource, ratio in (item.get("maxLimitRequestRatio") or {}).items():
        start = f"{resource} max limit to request ratio {where} {ratio}"
        yield from _ratio(start, requests.get(resource), limits.get(resource), ratio)


def _less(amount: str, bound: str) -> bool:
    return parse(amount) < parse(bound)


def _more(amount: str, bound: str) -> bool:
    return parse(amount) > parse(bound)


def _bound(
    start: str, noun: str, amount: str | None, bound: str, exceeds: Callable[[str, str], bool], *, needed: bool
) -> Iterator[str]:
    if amount is None:
        if needed:
            yield f"{start}.  No {noun} is specified"
    elif exceeds(amount, bound):
        yield f"{start}, but {noun} is {canonical(amount)}"


def _ratio(start: str, request: str | None, limit: str | None, most: str) -> Iterator[str]:
    asked, allowed = parse(request or 0), parse(limit or 0)
    if not asked:
        yield f"{start}, but no request is specified or request is 0"
    elif not allowed:
        yield f"{start}, but no limit is specified or limit is 0"
    elif allowed / asked > parse(most):
        yield f"{start}, but provided ratio is {float(allowed / asked):f}"


def _quantities(resources: Resources) -> dict[str, str]:
    """Sums as quantities: CPU in decimal, bytes in binary."""
    return {resource: like(amount, "0" if resource == "cpu" else "1Ki") for resource, amount in resources.items()}


def _name(container: Object) -> str:
    return str(container.get("name") or "")
