"""All roles and bindings, found by who asks and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.api.groups.rbac import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, RBAC_GROUP, ROLE, ROLE_BINDING
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import name, namespace
from orchestrator.api.rbac import Rule, SubjectKey, rules_of, subject_key
from orchestrator.api.request import User
from orchestrator.server import keys
from orchestrator.store.base import Entry

PREFIX = f"/{RBAC_GROUP}/"

#: (namespace, name) of a Role; of a ClusterRole the namespace is "".
RoleKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Grant:
    """What one binding gives one subject. `namespace` "" is everywhere."""

    namespace: str
    binding: str
    subject: SubjectKey
    role: RoleKey

    def __str__(self) -> str:
        """As Kubernetes says why something is allowed."""
        scope = f"{self.binding}/{self.namespace}" if self.namespace else self.binding
        binding = "RoleBinding" if self.namespace else "ClusterRoleBinding"
        role = "Role" if self.role[0] else "ClusterRole"
        return f'{binding} "{scope}" of {role} "{self.role[1]}" to {self.subject[0]} "{self.subject[1]}"'


class RbacIndex:
    """An `orchestrator.server.follower.Index`: dictionaries of tuples, which are replaced and never changed."""

    def __init__(self) -> None:
        self._roles: dict[RoleKey, tuple[Rule, ...]] = {}
        self._grants: dict[tuple[str, SubjectKey], tuple[Grant, ...]] = {}
        self._by_binding: dict[str, tuple[Grant, ...]] = {}

    def put(self, entry: Entry) -> None:
        obj = entry.object()
        if _is(entry, ROLE) or _is(entry, CLUSTER_ROLE):
            self._roles[namespace(obj), name(obj)] = rules_of(obj)
        elif _is(entry, ROLE_BINDING) or _is(entry, CLUSTER_ROLE_BINDING):
            self._rebind(entry.key, _grants(obj))

    def drop(self, entry: Entry) -> None:
        obj = entry.object()
        if _is(entry, ROLE) or _is(entry, CLUSTER_ROLE):
            self._roles.pop((namespace(obj), name(obj)), None)
        else:
            self._rebind(entry.key, ())

    def grants(self, user: User, where: str) -> Iterator[Grant]:
        """What binds the user in a namespace, or in the whole cluster (`where` "")."""
        subjects: list[SubjectKey] = [("User", user.name), *(("Group", group) for group in user.groups)]
        for space in ("", where) if where else ("",):
            for subject in subjects:
                yield from self._grants.get((space, subject), ())

    def role(self, key: RoleKey) -> tuple[Rule, ...] | None:
        """The rules of a role, None when there is no such role."""
        return self._roles.get(key)

    def _rebind(self, key: str, grants: tuple[Grant, ...]) -> None:
        old = self._by_binding.pop(key, ())
        for place in dict.fromkeys((grant.namespace, grant.subject) for grant in (*old, *grants)):
            kept = [grant for grant in self._grants.get(place, ()) if grant not in old]
            kept += [grant for grant in grants if (grant.namespace, grant.subject) == place]
            if kept:
                self._grants[place] = tuple(kept)
            else:
                self._grants.pop(place, None)
        if grants:
            self._by_binding[key] = grants


def _is(entry: Entry, kind: Kind) -> bool:
    return entry.key.startswith(keys.prefix(kind))


def _grants(binding: dict[str, Any]) -> tuple[Grant, ...]:
    where = namespace(binding)
    role = role_key(binding)
    subjects = dict.fromkeys(subject_key(subject, where) for subject in binding.get("subjects") or ())
    return tuple(Grant(where, name(binding), subject, role) for subject in subjects)


def role_key(binding: dict[str, Any]) -> RoleKey:
    """Where the role of a binding is."""
    ref = binding.get("roleRef") or {}
    return (namespace(binding) if ref.get("kind") == "Role" else "", str(ref.get("name") or ""))
