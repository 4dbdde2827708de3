"""Role, ClusterRole, RoleBinding, ClusterRoleBinding.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/rbac/validation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.api import names
from orchestrator.api.checks import Errors, follows, indexed, named, obeys
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, invalid, not_supported, required
from orchestrator.api.meta import Object, metadata, name
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created, wide
from orchestrator.api.validation import validate_selector

RBAC = "rbac.authorization.k8s.io"
_CREATED_AT = Column("Created At")
_ONE_KIND = "rules cannot apply to both regular resources and non-resource URLs"


class RoleStrategy(Strategy):
    columns = (NAME, _CREATED_AT)
    has_status = False

    def name_problems(self, name: str) -> list[str]:
        return names.path_segment(name)

    def validate(self, obj: Object) -> list[FieldError]:
        return [
            error for path, rule in indexed("rules", obj.get("rules")) for error in _rule(rule, path, namespaced=True)
        ]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), metadata(obj).get("creationTimestamp") or "")


class ClusterRoleStrategy(RoleStrategy):
    def validate(self, obj: Object) -> list[FieldError]:
        errors = [
            error for path, rule in indexed("rules", obj.get("rules")) for error in _rule(rule, path, namespaced=False)
        ]
        return [*errors, *_aggregation(obj.get("aggregationRule"))]


class RoleBindingStrategy(Strategy):
    columns = (NAME, Column("Role"), AGE, wide("Users"), wide("Groups"), wide("ServiceAccounts"))
    has_status = False
    #: The kinds that roleRef may name, and whether a service account lies in the binding's namespace unless it says.
    _roles: Sequence[str] = ("Role", "ClusterRole")
    _namespaced = True

    def name_problems(self, name: str) -> list[str]:
        return names.path_segment(name)

    def default(self, obj: Object) -> None:
        fill(obj.setdefault("roleRef", {}), {"apiGroup": RBAC})
        for subject in obj.get("subjects") or ():
            _default_subject(subject, metadata(obj).get("namespace") or "" if self._namespaced else "")

    def validate(self, obj: Object) -> list[FieldError]:
        errors = [*_role_ref(obj.get("roleRef") or {}, self._roles)]
        for path, subject in indexed("subjects", obj.get("subjects")):
            errors += _subject(subject, path)
        return errors

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        if new.get("roleRef") != old.get("roleRef"):
            return [invalid("roleRef", new.get("roleRef"), "cannot change roleRef")]
        return []

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        ref, subjects = obj.get("roleRef") or {}, obj.get("subjects") or []
        users = (_names(subjects, kind) for kind in ("User", "Group"))
        accounts = ", ".join(
            f"{s.get('namespace') or ''}/{s.get('name')}" for s in subjects if s.get("kind") == "ServiceAccount"
        )
        return (name(obj), f"{ref.get('kind')}/{ref.get('name')}", created(obj, now), *users, accounts)


class ClusterRoleBindingStrategy(RoleBindingStrategy):
    _roles = ("ClusterRole",)
    _namespaced = False


def _names(subjects: Iterable[Object], kind: str) -> str:
    return ", ".join(str(subject.get("name")) for subject in subjects if subject.get("kind") == kind)


def _rule(rule: Object, path: str, *, namespaced: bool) -> Errors:
    if not rule.get("verbs"):
        yield required(f"{path}.verbs", "verbs must contain at least one value")
    if urls := rule.get("nonResourceURLs"):
        if namespaced:
            yield invalid(f"{path}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs")
        if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
            yield invalid(f"{path}.nonResourceURLs", urls, _ONE_KIND)
        return
    if not rule.get("apiGroups"):
        yield required(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield required(f"{path}.resources", "resource rules must supply at least one resource")


def _aggregation(aggregation: Object | None) -> Errors:
    if aggregation is None:
        return
    path = "aggregationRule.clusterRoleSelectors"
    selectors = aggregation.get("clusterRoleSelectors")
    if not selectors:
        yield required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
    for field, selector in indexed(path, selectors):
        yield from validate_selector(selector, field)


def _role_ref(ref: Object, kinds: Sequence[str]) -> Errors:
    if (ref.get("apiGroup") or "") != RBAC:
        yield not_supported("roleRef.apiGroup", ref.get("apiGroup") or "", [RBAC])
    if (ref.get("kind") or "") not in kinds:
        yield not_supported("roleRef.kind", ref.get("kind") or "", kinds)
    yield from named("roleRef.name", ref.get("name"), names.path_segment)


def _default_subject(subject: Object, namespace: str) -> None:
    """Users and groups are of the RBAC group; a service account lies where its binding does."""
    if subject.get("kind") in ("User", "Group"):
        fill(subject, {"apiGroup": RBAC})
    elif subject.get("kind") == "ServiceAccount" and namespace:
        fill(subject, {"namespace": namespace})


def _subject(subject: Object, path: str) -> Errors:
    if not subject.get("name"):
        yield required(f"{path}.name")
    match subject.get("kind"):
        case "ServiceAccount":
            yield from follows(f"{path}.name", subject.get("name"), names.dns_subdomain)
            yield from _api_group(subject, path, "")
            if not subject.get("namespace"):
                yield required(f"{path}.namespace")
            else:
                yield from obeys(f"{path}.namespace", subject["namespace"], names.dns_label)
        case "User" | "Group":
            yield from _api_group(subject, path, RBAC)
        case kind:
            yield not_supported(f"{path}.kind", kind or "", ["ServiceAccount", "User", "Group"])


def _api_group(subject: Object, path: str, wanted: str) -> Errors:
    given = subject.get("apiGroup") or ""
    if given != wanted:
        yield not_supported(f"{path}.apiGroup", given, [wanted])
