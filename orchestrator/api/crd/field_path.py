"""`fieldPath` of a rule: `.spec.name` or `.labels['a.b']`, from where the rule stands."""

from __future__ import annotations

import re

from orchestrator.api.crd.node import Node

_STEP = re.compile(r"\.([^.\[\]]+)|\['((?:[^'\\]|\\[abfnrtv'\\])*)'\]")


def leads_somewhere(place: Node, path: str) -> bool:
    """Whether each step is a field of the schema, or a key of a map."""
    node: Node | None = place
    end = 0
    while end < len(path):
        step = _STEP.match(path, end)
        if step is None or node is None:
            return False
        node, end = node.under(step[1] or re.sub(r"\\(.)", r"\1", step[2] or "")), step.end()
    return node is not None
