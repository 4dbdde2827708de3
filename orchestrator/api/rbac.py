"""RBAC's rules: what they allow, and whether some rules hold all that others do (pure).

Semantics are those of `k8s.io/kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go` and `.../validation/rule.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from orchestrator.api.access import Access
from orchestrator.api.meta import Object

ALL = "*"
_ALL = frozenset({ALL})


@dataclass(frozen=True, slots=True)
class Rule:
    """A PolicyRule made ready for look-ups. `names` empty means every name."""

    verbs: frozenset[str]
    groups: frozenset[str] = frozenset()
    resources: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    urls: frozenset[str] = frozenset()

    def allows(self, access: Access) -> bool:
        if access.verb not in self.verbs and ALL not in self.verbs:
            return False
        if access.path:
            return any(_url_matches(url, access.path) for url in self.urls)
        if access.group not in self.groups and ALL not in self.groups:
            return False
        return self._has_resource(access.full_resource) and (not self.names or access.name in self.names)

    def holds(self, other: Rule) -> bool:
        """Whether this rule allows all that `other`, one atom, does."""
        if not (other.verbs <= self.verbs or ALL in self.verbs):
            return False
        if other.urls:
            return all(any(_url_holds(mine, url) for mine in self.urls) for url in other.urls)
        if not (other.groups <= self.groups or ALL in self.groups):
            return False
        if not all(self._has_resource(resource) for resource in other.resources):
            return False
        return not self.names or (bool(other.names) and other.names <= self.names)

    def _has_resource(self, wanted: str) -> bool:
        if wanted in self.resources or ALL in self.resources:
            return True
        _, slash, subresource = wanted.partition("/")
        return bool(slash) and f"{ALL}/{subresource}" in self.resources

    def atoms(self) -> Iterator[Rule]:
        """The rule taken apart: one verb, group, resource and name (or one URL) each."""
        for verb in sorted(self.verbs):
            one = Rule(frozenset({verb}))
            names = [frozenset({name}) for name in sorted(self.names)] or [frozenset()]
            for group, resource, name in product(sorted(self.groups), sorted(self.resources), names):
                yield replace(one, groups=frozenset({group}), resources=frozenset({resource}), names=name)
            yield from (replace(one, urls=frozenset({url})) for url in sorted(self.urls))

    def object(self) -> Object:
        """The PolicyRule again, without the fields that say nothing."""
        lists = {
            "verbs": self.verbs,
            "apiGroups": self.groups,
            "resources": self.resources,
            "resourceNames": self.names,
            "nonResourceURLs": self.urls,
        }
        return {field: sorted(values) for field, values in lists.items() if values}

    def __str__(self) -> str:
        """As Kubernetes shows it in messages: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`."""
        lists = {
            "NonResourceURLs": self.urls,
            "APIGroups": self.groups,
            "Resources": self.resources,
            "ResourceNames": self.names,
            "Verbs": self.verbs,
        }
        shown = (f"{name}:[{_quoted(values)}]" for name, values in lists.items() if values)
        return f"{{{', '.join(shown)}}}"


#: What a ClusterRole with an aggregationRule needs of who writes it: everything.
EVERYTHING = (Rule(_ALL, _ALL, _ALL), Rule(_ALL, urls=_ALL))


def rules_of(role: Object) -> tuple[Rule, ...]:
    """The rules of a Role or ClusterRole."""
    return tuple(rule_of(rule) for rule in role.get("rules") or ())


def rule_of(rule: Object) -> Rule:
    fields = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    return Rule(*(frozenset(rule.get(field) or ()) for field in fields))


def missing(held: Iterable[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The atoms of `wanted` that no rule of `held` allows."""
    owned = tuple(held)
    atoms = (atom for rule in wanted for atom in rule.atoms())
    return [atom for atom in atoms if not any(rule.holds(atom) for rule in owned)]


def _url_matches(url: str, path: str) -> bool:
    return url in (ALL, path) or (url.endswith(ALL) and path.startswith(url[:-1]))


def _url_holds(mine: str, wanted: str) -> bool:
    return mine in (ALL, wanted) or (mine.endswith(ALL) and wanted.startswith(mine[:-1]))


def _quoted(values: Iterable[str]) -> str:
    return " ".join(f'"{value}"' for value in sorted(values))


#: A subject as the index knows it: ("User" or "Group", name).
SubjectKey = tuple[str, str]


def subject_key(subject: Object, namespace: str) -> SubjectKey:
    """A ServiceAccount is the user that its tokens stand for; `namespace` is the binding's, where it names none."""
    if subject.get("kind") == "ServiceAccount":
        return ("User", account_user(subject.get("namespace") or namespace, subject.get("name") or ""))
    return (subject.get("kind") or "", subject.get("name") or "")


_ACCOUNT_PREFIX = "system:serviceaccount:"


def account_user(namespace: str, name: str) -> str:
    """The name of the user that a service account is."""
    return f"{_ACCOUNT_PREFIX}{namespace}:{name}"


def account_of(user: str) -> tuple[str, str] | None:
    """(namespace, name) of the service account that a user is, None for other users."""
    if not user.startswith(_ACCOUNT_PREFIX):
        return None
    namespace, colon, name = user.removeprefix(_ACCOUNT_PREFIX).partition(":")
    return (namespace, name) if namespace and colon and name else None


def account_groups(namespace: str) -> tuple[str, ...]:
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
