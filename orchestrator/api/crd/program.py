"""One rule of `x-kubernetes-validations`: compiled, and judging a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.api.crd.cel import values
from orchestrator.api.crd.cel.environment import (
    OLD,
    CompileError,
    EvaluationError,
    OverBudget,
    Program,
    compile_expression,
    optional_old_self,
)
from orchestrator.api.crd.node import EMBEDDED, INT_OR_STRING, PRESERVE, Node
from orchestrator.api.meta import Object

_SELF, _OLD_SELF = "self", "oldSelf"
#: Longer than this no message may be, in bytes.
_MAX_MESSAGE = 5 * 1024
_NO_OVERLOAD = "call arguments did not match a supported operator, function or macro signature for rule"
_OVER_BUDGET = (
    "'operation cancelled: actual cost limit exceeded': "
    "no further validation rules will be run due to call cost exceeds limit for rule"
)
_TYPES = {"integer": "int", "number": "double", "boolean": "bool", "string": "string"}
_TEXTS = {
    "date": "timestamp",
    "date-time": "timestamp",
    "datetime": "timestamp",
    "duration": "duration",
    "byte": "bytes",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a value is refused. `is_last` when no other rule may be run."""

    message: str
    field_path: str = ""
    reason: str = ""
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule at a node. `type` stands for the value in messages."""

    node: Node
    source: Object
    program: Program
    message: Program | None
    uses_old: bool

    @property
    def type(self) -> str:
        return str(self.node.schema.get("type") or "")

    @property
    def takes_optional(self) -> bool:
        return bool(self.source.get("optionalOldSelf"))

    def applies(self, *, has_old: bool, unchanged: bool) -> bool:
        """Transition rules need an old value, or the word that they do without; others, a change."""
        return (has_old or self.takes_optional) if self.uses_old else not unchanged

    def subject(self, value: Any, old: Any) -> Mapping[str, Any]:
        """The variables of all rules at the node."""
        variables = {_SELF: values.value(self.node, value), OLD: {}}
        if old is not None:
            variables[_OLD_SELF] = values.value(self.node, old)
            variables[OLD] = {"value": variables[_OLD_SELF]}
        return variables

    def run(self, subject: Mapping[str, Any]) -> Verdict | None:
        """None when the rule holds."""
        try:
            if self.program.run(subject) is True:
                return None
        except OverBudget:
            return Verdict(f"{_OVER_BUDGET}: {self._shown}", is_last=True)
        except EvaluationError as error:
            if str(error) == "no such overload":
                return Verdict(f"'{error}': {_NO_OVERLOAD}: {self._shown}")
            return Verdict(f"{error} evaluating rule: {self._shown}")
        return Verdict(self._message(subject), self.source.get("fieldPath") or "", self.source.get("reason") or "")

    def _message(self, subject: Mapping[str, Any]) -> str:
        told = self._evaluated(subject) if self.message is not None else ""
        return told or (self.source.get("message") or f"failed rule: {self._shown}").strip()

    def _evaluated(self, subject: Mapping[str, Any]) -> str:
        """What messageExpression says; "" when it fails or is no message: then the other message counts."""
        assert self.message is not None
        try:
            said = self.message.run(subject)
        except (EvaluationError, OverBudget):
            return ""
        text = said.strip() if isinstance(said, str) else ""
        return "" if "\n" in text or len(text.encode()) > _MAX_MESSAGE else text

    @property
    def _shown(self) -> str:
        return str(self.source.get("message") or self.source["rule"]).strip()


def compiled(node: Node, rule: Object) -> Rule:
    """Raises CompileError for a rule or a messageExpression that cannot be compiled, or is of the wrong type."""
    program, uses_old = _program(node, rule, rule["rule"])
    if program.returns not in ("BOOL", "DYN"):
        raise CompileError("cel expression must evaluate to a bool")
    message = None
    if source := rule.get("messageExpression"):
        message, _ = _program(node, rule, source)
        if message.returns not in ("STRING", "DYN"):
            raise CompileError("messageExpression must evaluate to a string")
    return Rule(node, rule, program, message, uses_old)


def _program(node: Node, rule: Object, expression: str) -> tuple[Program, bool]:
    """The program, and whether it uses `oldSelf`: whether it cannot be compiled without."""
    own = type_of(node)
    try:
        return compile_expression(expression, {_SELF: own}), False
    except CompileError as error:
        if _OLD_SELF not in expression:
            raise
        if not rule.get("optionalOldSelf"):
            return compile_expression(expression, {_SELF: own, _OLD_SELF: own}), True
        optional = compile_expression(optional_old_self(expression), {_SELF: own, OLD: f"map<string, {own}>"})
        if not rule["rule"] == expression:
            raise CompileError("oldSelf cannot be used in the messageExpression of an optionalOldSelf rule") from error
        return optional, True


def type_of(node: Node) -> str:
    """The CEL type of a node's values."""
    schema = node.schema
    kind = schema.get("type")
    if schema.get(INT_OR_STRING) or not kind or node.nullable:
        return "dyn"
    if kind == "array":
        return f"list<{type_of(node.items) if node.items is not None else 'dyn'}>"
    if kind == "object":
        structured = node.properties or schema.get(EMBEDDED) or schema.get(PRESERVE) or node.embedded
        inner = "dyn" if structured or node.additional is None else type_of(node.additional)
        return f"map<string, {inner}>"
    return _TEXTS.get(schema.get("format") or "", "string") if kind == "string" else _TYPES[kind]
