"""The terms by which pods and volumes say which nodes they can be on (NodeSelectorTerm)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.api.errors import BadRequest
from orchestrator.api.meta import Object
from orchestrator.api.selectors import Requirement, expression


@dataclass(frozen=True, slots=True)
class NodeTerm:
    """Every requirement must hold. One without any matches no node, and so does one that cannot be read (`readable`
    False)."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]
    readable: bool = True

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        if not self.readable or not (self.labels or self.fields):
            return False
        fields = {"metadata.name": name}
        return all(r.matches(labels) for r in self.labels) and all(r.matches(fields) for r in self.fields)


def node_term(term: Object) -> NodeTerm:
    try:
        return NodeTerm(
            tuple(expression(entry) for entry in term.get("matchExpressions") or ()),
            tuple(expression(entry) for entry in term.get("matchFields") or ()),
        )
    except BadRequest:
        # The API server takes `Gt` with a word; Kubernetes' scheduler then finds that no node fits.
        return NodeTerm((), (), readable=False)


def selector_terms(selector: Object) -> tuple[NodeTerm, ...]:
    """Those of a NodeSelector, of which one must match."""
    return tuple(node_term(term) for term in selector.get("nodeSelectorTerms") or ())
