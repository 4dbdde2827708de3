"""Label and field selectors, with the grammar and the error sentences of `k8s.io/apimachinery`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.api.errors import BadRequest
from orchestrator.api.meta import Object
from orchestrator.api.names import label_value, qualified_name


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term. `operator` is `in`, `notin`, `exists`, `!`, `gt` or `lt`; equality is `in` with one value."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "in":
                return value in self.values
            case "notin":
                # As with `!=`, an object without the label matches.
                return value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        return value is not None and _compares(value, self.operator, next(iter(self.values)))


def _compares(value: str, operator: str, bound: str) -> bool:
    try:
        return int(value) > int(bound) if operator == "gt" else int(value) < int(bound)
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold; none at all matches everything, unless `nothing`."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    @property
    def empty(self) -> bool:
        """True when every object matches."""
        return not self.requirements and not self.nothing

    def matches(self, labels: Mapping[str, str]) -> bool:
        return not self.nothing and all(requirement.matches(labels) for requirement in self.requirements)


_OPERATORS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!", "Gt": "gt", "Lt": "lt"}


def label_selector(obj: Object | None) -> LabelSelector:
    """A `metav1.LabelSelector`: None matches nothing, {} everything. Raises BadRequest."""
    if obj is None:
        return LabelSelector(nothing=True)
    exact = [Requirement(key, "in", frozenset((value,))) for key, value in (obj.get("matchLabels") or {}).items()]
    return LabelSelector((*exact, *(expression(e) for e in obj.get("matchExpressions") or [])))


def expression(obj: Object) -> Requirement:
    """A LabelSelectorRequirement or NodeSelectorRequirement: {key, operator, values}. Raises BadRequest."""
    operator = str(obj.get("operator") or "")
    if operator not in _OPERATORS:
        raise BadRequest(f'"{operator}" is not a valid label selector operator')
    return _requirement(str(obj.get("key") or ""), _OPERATORS[operator], [str(v) for v in obj.get("values") or []])


def _requirement(key: str, operator: str, values: Sequence[str]) -> Requirement:
    if problems := qualified_name(key):
        raise BadRequest(f'key: Invalid value: "{key}": {"; ".join(problems)}')
    if problem := _values_problem(operator, values):
        raise BadRequest(f"values: Invalid value: {_show(values)}: {problem}")
    for index, value in enumerate(values):
        if problems := label_value(value):
            raise BadRequest(f'values[{index}][{key}]: Invalid value: "{value}": {"; ".join(problems)}')
    return Requirement(key, operator, frozenset(values))


def _values_problem(operator: str, values: Sequence[str]) -> str:
    if operator in ("in", "notin"):
        return "" if values else "for 'in', 'notin' operators, values set can't be empty"
    if operator in ("exists", "!"):
        return "values set must be empty for exists and does not exist" if values else ""
    if len(values) != 1:
        return "for 'Gt', 'Lt' operators, exactly one value is required"
    return "" if re.fullmatch(r"[+-]?[0-9]+", values[0]) else "for 'Gt', 'Lt' operators, the value must be an integer"


def _show(values: Sequence[str]) -> str:
    return "[" + ",".join(f'"{value}"' for value in values) + "]"


# --- the text form: `app=web,tier in (a, b),!legacy` -------------------------------------------------------------

_TOKEN = re.compile(r"\s*(==|!=|[=<>!(),]|[^\s=<>!(),]+|$)")
_SYMBOLS = frozenset(("=", "==", "!=", "<", ">", "!", "(", ")", ",", ""))
_BINARY = {"=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt"}


def parse_label_selector(text: str) -> LabelSelector:
    """A `labelSelector` query parameter; "" matches everything. Raises BadRequest."""
    try:
        return LabelSelector(tuple(_Parser(text).requirements()))
    except BadRequest as error:
        raise BadRequest(f"unable to parse requirement: {error.message}") from None


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        if self._peek() == "":
            return found
        while True:
            if self._peek() in _SYMBOLS - {"!"}:
                self._fail("!, identifier, or 'end of string'")
            found.append(self._requirement())
            if self._peek() == "":
                return found
            self._expect(",", "',' or 'end of string'")
            if self._peek() in _SYMBOLS - {"!"}:
                self._fail("identifier after ','")

    def _requirement(self) -> Requirement:
        negated = self._peek() == "!"
        if negated:
            self._next()
        key = self._identifier("identifier")
        if self._peek() in ("", ",") or negated:
            return _requirement(key, "!" if negated else "exists", ())
        operator = self._next()
        if operator in ("in", "notin"):
            return _requirement(key, operator, self._values())
        if operator not in _BINARY:
            self._at -= 1
            self._fail("in, notin, =, ==, !=, gt, lt")
        value = "" if self._peek() in ("", ",") else self._identifier("identifier")
        return _requirement(key, _BINARY[operator], (value,))

    def _values(self) -> list[str]:
        """`(a, b)`, sorted; `()` has none, and a missing one between commas is the empty value."""
        self._expect("(", "'('")
        if self._peek() == ")":
            self._next()
            return []
        values = set()
        while True:
            values.add("" if self._peek() in (",", ")") else self._identifier("',', ')' or identifier"))
            if self._peek() == ")":
                self._next()
                return sorted(values)
            self._expect(",", "',' or ')'")

    def _identifier(self, expected: str) -> str:
        if self._peek() in _SYMBOLS:
            self._fail(expected)
        return self._next()

    def _expect(self, token: str, expected: str) -> None:
        if self._peek() != token:
            self._fail(expected)
        self._next()

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _fail(self, expected: str) -> None:
        raise BadRequest(f"found '{self._peek()}', expected: {expected}")


# --- field selectors: `status.phase!=Running,metadata.name=web` ---------------------------------------------------

_TERMS = re.compile(r"((?:[^\\,]|\\.|\\$)*)(?:,|$)", re.DOTALL)
_TERM = re.compile(r"([^=!\\]*)(!=|==|=)((?:[^\\,=]|\\.)*)", re.DOTALL)
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """Terms (field, equal, value); all must hold."""

    terms: tuple[tuple[str, bool, str], ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """The fields it asks about."""
        return frozenset(field for field, _, _ in self.terms)

    @property
    def empty(self) -> bool:
        return not self.terms

    def matches(self, fields: Mapping[str, str]) -> bool:
        """`fields` are the object's; one that is not there has the value ""."""
        return all((fields.get(field, "") == value) == equal for field, equal, value in self.terms)

    def value(self, field: str) -> str | None:
        """The one value that `field` must have, or None where any will do."""
        return next((value for name, equal, value in self.terms if name == field and equal), None)


def parse_field_selector(text: str) -> FieldSelector:
    """A `fieldSelector` query parameter; in values `,`, `=` and `\\` are escaped by `\\`. Raises BadRequest."""
    return FieldSelector(tuple(_field_term(text, term) for term in _TERMS.findall(text) if term))


def _field_term(selector: str, term: str) -> tuple[str, bool, str]:
    match = _TERM.fullmatch(term)
    if match is None:
        raise BadRequest(f"invalid selector: '{selector}'; can't understand '{term}'")
    field, operator, value = match.groups()
    return field, operator != "!=", _ESCAPE.sub(lambda escape: _unescape(escape[1]), value)


def _unescape(character: str) -> str:
    if character not in ("\\", ",", "="):
        raise BadRequest(f"invalid field selector: invalid escape sequence: \\{character}")
    return character


def selector_text(selector: Object) -> str:
    """A LabelSelector as the query parameter `labelSelector` has it: `app=web,tier in (a,b)`."""
    terms = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or []:
        key, values = expression.get("key") or "", ",".join(sorted(expression.get("values") or []))
        match expression.get("operator"):
            case "In":
                terms.append((key, f"{key} in ({values})"))
            case "NotIn":
                terms.append((key, f"{key} notin ({values})"))
            case "Exists":
                terms.append((key, key))
            case "DoesNotExist":
                terms.append((key, f"!{key}"))
    return ",".join(text for _, text in sorted(terms))
