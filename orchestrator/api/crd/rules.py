"""`x-kubernetes-validations`: rules in CEL over `self`, and over `oldSelf` in an update.

After `k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel`. Rules are compiled when a schema is read; what one
evaluation may cost is bounded by the CEL library (`cel/environment.py`), how many there may be, here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from orchestrator.api.crd.node import RULES, Node
from orchestrator.api.crd.program import Rule, Verdict, compiled
from orchestrator.api.crd.values import NOTHING, by_keys, has_type, keys_of
from orchestrator.api.errors import FieldError, duplicate, forbidden, invalid, required
from orchestrator.api.meta import Object

#: Evaluations of rules that one object may take; about a second.
_MAX_EVALUATIONS = 50_000
_OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules at a node, and those below it where there are any."""

    node: Node
    rules: tuple[Rule, ...]
    properties: dict[str, Rules]
    items: Rules | None
    additional: Rules | None

    def validate(self, obj: Object, old: Object | None) -> list[FieldError]:
        """Every rule that `obj` breaks; of an update (`old` is given), also by the change."""
        run = _Run()
        run.walk(self, "", obj, NOTHING if old is None else old, unchanged=False)
        return run.errors


def read(node: Node) -> Rules | None:
    """The rules of a schema; None when it has none. Raises `cel.environment.CompileError`."""
    properties = {name: inner for name, child in node.properties.items() if (inner := read(child)) is not None}
    items = read(node.items) if node.items is not None else None
    additional = read(node.additional) if node.additional is not None else None
    own = tuple(compiled(node, rule) for rule in node.schema.get(RULES) or ())
    return Rules(node, own, properties, items, additional) if own or properties or items or additional else None


@dataclass(slots=True)
class _Run:
    """The validation of one object."""

    errors: list[FieldError] = field(default_factory=list)
    left: int = _MAX_EVALUATIONS

    def walk(self, rules: Rules, path: str, value: Any, old: Any, *, unchanged: bool) -> None:
        """`unchanged` tells it of the nearest place above with an old value, where `old` is NOTHING."""
        if value is None or self.left < 0:
            return
        if old is not NOTHING:
            unchanged = old == value
        # A value of another type was let pass as it was there before: no rule can say anything of it.
        if rules.rules and has_type(rules.node.schema, value):
            self._here(rules, path, value, old, unchanged=unchanged)
        for below, place, inner, before in _below(rules, path, value, old):
            self.walk(below, place, inner, before, unchanged=unchanged)

    def _here(self, rules: Rules, path: str, value: Any, old: Any, *, unchanged: bool) -> None:
        before = None if old is NOTHING else old
        subject = rules.rules[0].subject(value, before)
        for rule in rules.rules:
            if not rule.applies(has_old=before is not None, unchanged=unchanged):
                continue
            self.left -= 1
            if self.left < 0:
                self.errors.append(invalid(path or "<nil>", rule.type, _OUT_OF_BUDGET))
                return
            verdict = rule.run(subject)
            if verdict is not None:
                self.errors.append(_error(verdict, rule, path))
                if verdict.is_last:
                    self.left = -1
                    return


def _below(rules: Rules, path: str, value: Any, old: Any) -> Iterator[tuple[Rules, str, Any, Any]]:
    """What is below a value and has rules: (rules, path, value, old value or NOTHING)."""
    node = rules.node
    if isinstance(value, dict):
        before = old if isinstance(old, dict) and node.has_granular_map else {}
        for key, inner in value.items():
            if key in rules.properties:
                yield rules.properties[key], f"{path}.{key}" if path else key, inner, before.get(key, NOTHING)
            elif rules.additional is not None and key not in node.properties:
                yield rules.additional, f"{path}[{key}]", inner, before.get(key, NOTHING)
    elif isinstance(value, list) and rules.items is not None:
        keys = node.list_map_keys if node.list_type == "map" else ()
        items = by_keys(keys, old) if keys else {}
        for index, item in enumerate(value):
            yield rules.items, f"{path}[{index}]", item, items.get(keys_of(keys, item), NOTHING)


def _error(verdict: Verdict, rule: Rule, path: str) -> FieldError:
    field = (path + verdict.field_path if path else verdict.field_path.removeprefix(".")) or "<nil>"
    if verdict.reason == "FieldValueForbidden":
        return forbidden(field, verdict.message)
    if verdict.reason == "FieldValueRequired":
        return required(field, verdict.message)
    if verdict.reason == "FieldValueDuplicate":
        return duplicate(field, rule.type)
    return invalid(field, rule.type, verdict.message)
