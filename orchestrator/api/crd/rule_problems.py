"""Rules of a schema: whether they say what they must, and whether they compile."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.api.crd import field_path, node
from orchestrator.api.crd.cel.environment import CompileError
from orchestrator.api.crd.node import LIST_TYPE, MAP_TYPE, RULES, Node
from orchestrator.api.crd.program import compiled
from orchestrator.api.errors import FieldError, invalid, not_supported, required
from orchestrator.api.meta import Object

Errors = Iterator[FieldError]

_REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
_BREAK = re.compile(r"[\r\n]")
#: Longer expressions would not be read by people either.
_MAX_LENGTH = 16 * 1024


def problems(schema: Object, path: str) -> list[FieldError]:
    return list(_walk(node.read(schema, embedded=True), path, ""))


def _walk(place: Node, path: str, uncorrelated: str) -> Errors:
    """`uncorrelated` is the outermost place around whose values cannot be found again in an old object; "" for none."""
    for index, rule in enumerate(place.schema.get(RULES) or ()):
        field = f"{path}.{RULES}[{index}]"
        errors = [*_texts(rule, field), *_field_path(place, rule, field)]
        yield from errors or _compiles(place, rule, field, uncorrelated)
    fields = uncorrelated or (path if place.schema.get(MAP_TYPE) == "atomic" else "")
    for name, inner in place.properties.items():
        yield from _walk(inner, f"{path}.properties[{name}]", fields)
    if place.additional is not None:
        yield from _walk(place.additional, f"{path}.additionalProperties", fields)
    if place.items is not None:
        items = uncorrelated or (path if place.schema.get(LIST_TYPE) != "map" else "")
        yield from _walk(place.items, f"{path}.items", items)


def _texts(rule: Object, field: str) -> Errors:
    source, message = rule.get("rule") or "", rule.get("message") or ""
    if not source.strip():
        yield required(f"{field}.rule", "rule is not specified")
    elif message and not message.strip():
        yield invalid(f"{field}.message", message, "message must be non-empty if specified")
    elif _BREAK.search(message.strip()):
        yield invalid(f"{field}.message", message, "message must not contain line breaks")
    elif _BREAK.search(source.strip()) and not message:
        yield required(f"{field}.message", "message must be specified if rule contains line breaks")
    expression = rule.get("messageExpression") or ""
    if expression and not expression.strip():
        yield required(f"{field}.messageExpression", "messageExpression must be non-empty if specified")
    for name, text in (("rule", source), ("messageExpression", expression)):
        if len(text) > _MAX_LENGTH:
            yield invalid(f"{field}.{name}", f"{text[:64]}...", f"must be no more than {_MAX_LENGTH} characters")
    if (reason := rule.get("reason")) is not None and reason not in _REASONS:
        yield not_supported(f"{field}.reason", reason, _REASONS)


def _field_path(place: Node, rule: Object, field: str) -> Errors:
    path = rule.get("fieldPath")
    if not path:
        return
    if not path.strip():
        yield invalid(f"{field}.fieldPath", path, "fieldPath must be non-empty if specified")
    elif _BREAK.search(path):
        yield invalid(f"{field}.fieldPath", path, "fieldPath must not contain line breaks")
    elif not field_path.leads_somewhere(place, path):
        yield invalid(f"{field}.fieldPath", path, "fieldPath must be a valid path")


def _compiles(place: Node, rule: Object, field: str, uncorrelated: str) -> Errors:
    try:
        program = compiled(place, rule)
    except CompileError as error:
        yield invalid(f"{field}.rule", rule, f"compilation failed: {error}")
        return
    if program.uses_old and uncorrelated:
        why = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}"
        yield invalid(f"{field}.rule", rule["rule"], why)
    if not program.uses_old and rule.get("optionalOldSelf") is not None:
        yield invalid(
            f"{field}.optionalOldSelf", rule["optionalOldSelf"], "may not be set if oldSelf is not used in rule"
        )
