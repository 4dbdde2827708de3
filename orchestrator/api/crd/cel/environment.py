"""Expressions compiled and run. All that touches the CEL library is here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any

from orchestrator.api.crd.cel import addresses, lists, quantities, regexes, strings, urls
from orchestrator.api.crd.cel.functions import Function

_FUNCTIONS: tuple[Function, ...] = (
    *strings.FUNCTIONS,
    *lists.FUNCTIONS,
    *regexes.FUNCTIONS,
    *urls.FUNCTIONS,
    *quantities.FUNCTIONS,
    *addresses.FUNCTIONS,
)
_OLD_SELF = "oldSelf"
#: Where the old value stands for a rule that takes it as an optional; see `optional_old_self`.
OLD = "__old__"
_OUT_OF_BUDGET = "Iteration budget exceeded"


class CompileError(ValueError):
    """The expression cannot be compiled; the message says where and why."""


class EvaluationError(Exception):
    """The evaluation failed: the message is CEL's."""


class OverBudget(Exception):
    """The evaluation took more iterations than any may."""


class Program:
    """A compiled expression. `returns` is its CEL type in capitals (BOOL, STRING, DYN)."""

    __slots__ = ("_expression", "returns")

    def __init__(self, expression: Any) -> None:
        self._expression = expression
        self.returns = str(expression.return_type().name())

    def run(self, variables: Mapping[str, Any]) -> Any:
        """Raises EvaluationError, OverBudget."""
        try:
            result = self._expression.eval(data=variables)
        except RuntimeError as error:
            if _OUT_OF_BUDGET in str(error):
                raise OverBudget(str(error)) from None
            raise EvaluationError(_plain(str(error))) from None
        if result.type().name() == "ERROR":
            raise EvaluationError(_plain(str(result.value())))
        return result.plain_value()


def compile_expression(expression: str, variables: Mapping[str, str]) -> Program:
    """`variables` are names and their CEL types. Raises CompileError."""
    environment = _environment(tuple(sorted(variables.items())))
    try:
        return Program(environment.compile(expression))
    except RuntimeError as error:
        raise CompileError(_plain(str(error))) from None


def optional_old_self(expression: str) -> str:
    """The expression with `oldSelf` as an optional: the one field that the variable OLD has or has not.

    The library takes no optional from outside; a list of one binds the name.
    """
    return f"[{OLD}.?value].all({_OLD_SELF}, {expression}\n)"


@cache
def _environment(variables: tuple[tuple[str, str], ...]) -> Any:
    # Large, and wanted only where a schema has rules.
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_optional

    return cel.NewEnv(
        variables={name: cel.Type(kind) for name, kind in variables},
        # As an extension, and not as functions: only so may a standard function have more overloads.
        extensions=[cel.CelExtension("kubernetes", _declared(cel)), ext_optional.ExtOptional()],
    )


def _declared(cel: Any) -> list[Any]:
    by_name: dict[str, list[Any]] = defaultdict(list)
    for function in _FUNCTIONS:
        overload = cel.Overload(
            function.id,
            return_type=cel.Type(function.returns),
            parameters=[cel.Type(kind) for kind in function.takes],
            is_member=function.is_member,
            impl=function.call,
        )
        by_name[function.name].append(overload)
    return [cel.FunctionDecl(name, overloads) for name, overloads in by_name.items()]


def _plain(message: str) -> str:
    """The library's message without its codes, in Kubernetes' words where those are known."""
    code, colon, rest = message.partition(": ")
    text = rest if colon and code.isupper() else message
    text = text.removesuffix(f" [{code}]")
    if text.startswith("Key not found in map : "):
        return "no such key: " + text.removeprefix("Key not found in map : ").strip('"')
    return "no such overload" if "o matching overload" in text and code != "INVALID_ARGUMENT" else text
