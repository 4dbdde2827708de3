"""The rules of `spec.affinity`, ready to be matched: terms about nodes, and terms about other pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from orchestrator.api.meta import Object
from orchestrator.api.node_terms import NodeTerm, node_term, selector_terms
from orchestrator.api.selectors import LabelSelector, Requirement, label_selector

_HARD = "requiredDuringSchedulingIgnoredDuringExecution"
_SOFT = "preferredDuringSchedulingIgnoredDuringExecution"

Namespaces = Mapping[str, Mapping[str, str]]


class Labelled(Protocol):
    """A pod, as far as a term looks at it."""

    @property
    def namespace(self) -> str: ...
    @property
    def labels(self) -> Mapping[str, str]: ...


def node_terms(node_affinity: Object | None) -> tuple[NodeTerm, ...] | None:
    """The required terms, of which one must match; None when there is no such rule."""
    required = (node_affinity or {}).get(_HARD)
    return None if required is None else selector_terms(required)


def preferred_node_terms(node_affinity: Object | None) -> tuple[tuple[int, NodeTerm], ...]:
    """(weight, term)."""
    preferred = (node_affinity or {}).get(_SOFT) or ()
    return tuple((int(entry["weight"]), node_term(entry.get("preference") or {})) for entry in preferred)


@dataclass(frozen=True, slots=True)
class PodTerm:
    """A PodAffinityTerm: it selects pods by their labels and by their namespace, which is one of `namespaces` or has
    labels that `namespace_selector` matches."""

    topology_key: str
    selector: LabelSelector
    namespaces: frozenset[str]
    namespace_selector: LabelSelector

    def selects(self, pod: Labelled, namespaces: Namespaces) -> bool:
        return self.selector.matches(pod.labels) and (
            pod.namespace in self.namespaces or self.namespace_selector.matches(namespaces.get(pod.namespace, {}))
        )


@dataclass(frozen=True, slots=True)
class PodAffinity:
    """`preferred` has (weight, term); the weights of anti-affinity are negative."""

    required: tuple[PodTerm, ...] = ()
    forbidden: tuple[PodTerm, ...] = ()
    preferred: tuple[tuple[int, PodTerm], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.required or self.forbidden or self.preferred)


_NONE = PodAffinity()


def pod_affinity(rules: Object, namespace: str, labels: Mapping[str, str]) -> PodAffinity:
    """Of a pod in `namespace` with `labels`. Raises BadRequest when a selector is malformed."""
    near, far = rules.get("podAffinity") or {}, rules.get("podAntiAffinity") or {}
    if not near and not far:
        return _NONE

    def term(entry: Object) -> PodTerm:
        return _pod_term(entry, namespace, labels)

    preferred = [(int(e["weight"]), term(e["podAffinityTerm"])) for e in near.get(_SOFT) or ()]
    preferred += [(-int(e["weight"]), term(e["podAffinityTerm"])) for e in far.get(_SOFT) or ()]
    return PodAffinity(
        tuple(term(entry) for entry in near.get(_HARD) or ()),
        tuple(term(entry) for entry in far.get(_HARD) or ()),
        tuple(preferred),
    )


def _pod_term(term: Object, namespace: str, labels: Mapping[str, str]) -> PodTerm:
    names = frozenset(term.get("namespaces") or ())
    selector = term.get("namespaceSelector")
    return PodTerm(
        str(term.get("topologyKey") or ""),
        with_label_keys(
            label_selector(term.get("labelSelector")),
            labels,
            term.get("matchLabelKeys") or (),
            term.get("mismatchLabelKeys") or (),
        ),
        names or (frozenset() if selector is not None else frozenset({namespace})),
        label_selector(selector),
    )


def with_label_keys(
    selector: LabelSelector, labels: Mapping[str, str], same: list[str] | tuple[()], other: list[str] | tuple[()] = ()
) -> LabelSelector:
    """`selector`, and the pod's own values under the keys `same`, and other values under the keys `other`."""
    more = [Requirement(key, "in", frozenset({labels[key]})) for key in same if key in labels]
    more += [Requirement(key, "notin", frozenset({labels[key]})) for key in other if key in labels]
    return LabelSelector((*selector.requirements, *more), selector.nothing) if more else selector
