"""What binds a pod to nodes and to other pods: tolerations, affinity, spread constraints; and a node's taints."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import names
from orchestrator.api.checks import Errors, indexed, obeys, one_of, present
from orchestrator.api.errors import duplicate, forbidden, invalid, not_supported, required
from orchestrator.api.meta import Object
from orchestrator.api.validation import validate_selector

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_HARD = "requiredDuringSchedulingIgnoredDuringExecution"
_SOFT = "preferredDuringSchedulingIgnoredDuringExecution"
_KEY_NEEDED = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
_HONOR = ("Honor", "Ignore")


def tolerations(items: Sequence[Object] | None, field: str) -> Errors:
    for path, toleration in indexed(field, items):
        yield from _toleration(toleration, path)


def taints(items: Sequence[Object] | None, field: str) -> Errors:
    seen: set[tuple[str, str]] = set()
    for path, taint in indexed(field, items):
        key, effect = taint.get("key") or "", taint.get("effect") or ""
        yield from _key(f"{path}.key", key)
        problems = names.label_value(taint.get("value") or "")
        if problems:
            yield invalid(f"{path}.value", taint["value"], ";".join(problems))
        yield from one_of(f"{path}.effect", effect, _EFFECTS)
        if (key, effect) in seen:
            yield duplicate(path, taint)
        seen.add((key, effect))


def affinity(rules: Object, field: str) -> Errors:
    yield from _node_affinity(rules.get("nodeAffinity") or {}, f"{field}.nodeAffinity")
    for kind in ("podAffinity", "podAntiAffinity"):
        yield from _pod_affinity(rules.get(kind) or {}, f"{field}.{kind}")


def node_selector(selector: Object, field: str) -> Errors:
    """The rules of a NodeSelector: at least one term, and each term's."""
    terms: list[Object] = selector.get("nodeSelectorTerms") or []
    yield from present(f"{field}.nodeSelectorTerms", terms, "must have at least one node selector term")
    for path, term in indexed(f"{field}.nodeSelectorTerms", terms):
        yield from _term(term, path)


def spread(constraints: Sequence[Object] | None, field: str) -> Errors:
    seen: set[tuple[str, str]] = set()
    for path, constraint in indexed(field, constraints):
        topology, otherwise = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if (constraint.get("maxSkew") or 0) <= 0:
            yield invalid(f"{path}.maxSkew", constraint.get("maxSkew") or 0, "must be greater than zero")
        yield from _topology(f"{path}.topologyKey", topology)
        if otherwise not in ("DoNotSchedule", "ScheduleAnyway"):
            yield not_supported(f"{path}.whenUnsatisfiable", otherwise, ("DoNotSchedule", "ScheduleAnyway"))
        if (topology, otherwise) in seen:
            yield duplicate(f"{path}.{{topologyKey, whenUnsatisfiable}}", f"{{{topology}, {otherwise}}}")
        seen.add((topology, otherwise))
        for policy in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            if policy in constraint:
                yield from one_of(f"{path}.{policy}", constraint[policy], _HONOR)
        yield from validate_selector(constraint.get("labelSelector"), f"{path}.labelSelector")


def _toleration(toleration: Object, field: str) -> Errors:
    key, operator, effect = (toleration.get(name) or "" for name in ("key", "operator", "effect"))
    value = toleration.get("value") or ""
    if key:
        yield from _key(f"{field}.key", key)
    elif operator != "Exists":
        yield invalid(f"{field}.operator", operator, _KEY_NEEDED)
    if "tolerationSeconds" in toleration and effect != "NoExecute":
        yield invalid(f"{field}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    if operator in ("", "Equal"):
        if problems := names.label_value(value):
            yield invalid(f"{field}.operator", value, ";".join(problems))
    elif operator == "Exists":
        if value:
            yield invalid(f"{field}.operator", value, "value must be empty when `operator` is 'Exists'")
    else:
        yield not_supported(f"{field}.operator", operator, ("Equal", "Exists"))
    if effect:
        yield from one_of(f"{field}.effect", effect, _EFFECTS)


def _node_affinity(rules: Object, field: str) -> Errors:
    if _HARD in rules:
        yield from node_selector(rules[_HARD], f"{field}.{_HARD}")
    for path, preference in indexed(f"{field}.{_SOFT}", rules.get(_SOFT)):
        yield from _weight(preference, path)
        yield from _term(preference.get("preference") or {}, f"{path}.preference")


def _term(term: Object, field: str) -> Errors:
    for path, expression in indexed(f"{field}.matchExpressions", term.get("matchExpressions")):
        yield from _expression(expression, path)
    for path, expression in indexed(f"{field}.matchFields", term.get("matchFields")):
        yield from _node_field(expression, path)


def _expression(expression: Object, field: str) -> Errors:
    """The rules of a NodeSelectorRequirement: a LabelSelectorRequirement, and numbers compared."""
    values = expression.get("values") or []
    match expression.get("operator"):
        case "In" | "NotIn":
            yield from present(f"{field}.values", values, "must be specified when `operator` is 'In' or 'NotIn'")
        case "Exists" | "DoesNotExist":
            if values:
                why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
                yield forbidden(f"{field}.values", why)
        case "Gt" | "Lt":
            if len(values) != 1:
                yield required(f"{field}.values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
        case operator:
            yield invalid(f"{field}.operator", operator or "", "not a valid selector operator")
    yield from _key(f"{field}.key", expression.get("key") or "")
    for path, value in indexed(f"{field}.values", values):
        yield from obeys(path, value, names.label_value)


def _node_field(expression: Object, field: str) -> Errors:
    """A node is chosen by its name alone."""
    values = expression.get("values") or []
    if expression.get("operator") not in ("In", "NotIn"):
        yield invalid(f"{field}.operator", expression.get("operator") or "", "not a valid selector operator")
    elif len(values) != 1:
        why = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
        yield required(f"{field}.values", why)
    if expression.get("key") != "metadata.name":
        yield invalid(f"{field}.key", expression.get("key") or "", "not a valid field selector key")
        return
    for path, value in indexed(f"{field}.values", values):
        yield from obeys(path, value, names.dns_subdomain)


def _pod_affinity(rules: Object, field: str) -> Errors:
    for path, term in indexed(f"{field}.{_HARD}", rules.get(_HARD)):
        yield from _pod_term(term, path)
    for path, weighted in indexed(f"{field}.{_SOFT}", rules.get(_SOFT)):
        yield from _weight(weighted, path)
        yield from _pod_term(weighted.get("podAffinityTerm") or {}, f"{path}.podAffinityTerm")


def _pod_term(term: Object, field: str) -> Errors:
    for selector in ("labelSelector", "namespaceSelector"):
        yield from validate_selector(term.get(selector), f"{field}.{selector}")
    for namespace in term.get("namespaces") or []:
        yield from obeys(f"{field}.namespace", namespace, names.dns_label)
    yield from _topology(f"{field}.topologyKey", term.get("topologyKey") or "")


def _weight(preference: Object, field: str) -> Errors:
    weight = preference.get("weight") or 0
    if not 0 < weight <= 100:
        yield invalid(f"{field}.weight", weight, "must be in the range 1-100")


def _topology(field: str, key: str) -> Errors:
    if not key:
        yield required(field, "can not be empty")
    else:
        yield from _key(field, key)


def _key(field: str, key: str) -> Errors:
    yield from obeys(field, key, names.qualified_name)
