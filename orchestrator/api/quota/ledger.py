"""One quota's account: does it concern an object, has it room for it, and what is used of it then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.api.groups.core import POD
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.pods import Resources
from orchestrator.api.quantity import like, parse
from orchestrator.api.quota.scopes import in_scope, requirements
from orchestrator.api.quota.usage import tracked, unspecified, usage

#: Resource -> quantity, as in `hard` and `used`.
Amounts = Mapping[str, str]


class QuotaExceeded(Exception):
    """The quota does not allow the object; the message is Kubernetes'."""


def covers(quota: Object, kind: Kind, obj: Object) -> bool:
    """The quota's scopes choose the object. Only pods can be chosen."""
    asked = requirements(quota)
    return not asked or (kind is POD and all(in_scope(obj, requirement) for requirement in asked))


def charged(quota: Object, kind: Kind, new: Object, old: Object | None) -> Amounts:
    """`status.used` with `new` in it, in the place of `old` where there was one. Raises QuotaExceeded."""
    hard, used = status(quota).get("hard") or {}, status(quota).get("used") or {}
    if not hard or not covers(quota, kind, new):
        return used
    after = usage(kind, new)
    limited = tracked(kind, after, hard)
    _check_stated(quota, kind, new, limited, used)
    before = usage(kind, old) if old is not None and covers(quota, kind, old) else {}
    more = {name: after[name] - before.get(name, 0) for name in sorted(limited) if name in after}
    more = {name: amount for name, amount in more.items() if amount > 0}
    total = {name: parse(used[name]) + amount for name, amount in more.items()}
    if over := [name for name in more if total[name] > parse(hard[name])]:
        requested = {name: like(more[name], hard[name]) for name in over}
        shown = (_text(amounts, over) for amounts in (requested, used, hard))
        sentence = "exceeded quota: {}, requested: {}, used: {}, limited: {}"
        raise QuotaExceeded(sentence.format(name(quota), *shown))
    return {**used, **{name: like(amount, hard[name]) for name, amount in total.items()}}


def measured(quota: Object, objects: Iterable[tuple[Kind, Object]]) -> Object:
    """The status of the quota, when these are the objects of its namespace."""
    hard: dict[str, str] = spec(quota).get("hard") or {}
    total: Resources = {resource: parse(0) for resource in hard}
    for kind, obj in objects:
        if covers(quota, kind, obj):
            for resource, amount in usage(kind, obj).items():
                if resource in total:
                    total[resource] += amount
    return {"hard": hard, "used": {resource: like(total[resource], hard[resource]) for resource in hard}}


def lowers(fresh: Amounts, used: Amounts) -> bool:
    """Less of some resource is used by the `fresh` account."""
    return any(parse(fresh[resource]) < parse(used[resource]) for resource in fresh.keys() & used.keys())


def _check_stated(quota: Object, kind: Kind, obj: Object, limited: frozenset[str], used: Amounts) -> None:
    """The object says all that the quota must know of it, and the quota has been measured."""
    if kind is POD and (missing := unspecified(obj, limited)):
        raise QuotaExceeded(f"failed quota: {name(quota)}: must specify {missing}")
    if unknown := sorted(limited - used.keys()):
        raise QuotaExceeded(f"status unknown for quota: {name(quota)}, resources: {','.join(unknown)}")


def _text(amounts: Amounts, resources: Iterable[str]) -> str:
    return ",".join(f"{resource}={amounts[resource]}" for resource in resources)
