"""Who may do what. One question, asked for every request, watches and log streams included.

In Kubernetes' order: the group system:masters may do everything, then the node authoriser, then RBAC. Nothing denies:
what none of them allows is forbidden.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.api.access import MASTERS, Access, forbidden
from orchestrator.api.rbac import Rule
from orchestrator.api.request import User
from orchestrator.server.follower import Follower
from orchestrator.server.node_authorizer import NodeAuthorizer, node_of
from orchestrator.server.rbac_index import PREFIX, RbacIndex, RoleKey
from orchestrator.store.base import Store


@dataclass(frozen=True, slots=True)
class Decision:
    allowed: bool
    reason: str = ""


class Authorizer:
    """Safe to use from any number of threads; knows every role and binding that was written before it is asked."""

    def __init__(self, store: Store) -> None:
        self._roles = Follower(store, PREFIX, RbacIndex)
        self._nodes = NodeAuthorizer(store)

    def require(self, user: User, access: Access) -> None:
        """Raises Forbidden."""
        decision = self.decide(user, access)
        if not decision.allowed:
            raise forbidden(user, access, decision.reason)

    def decide(self, user: User, access: Access) -> Decision:
        if MASTERS in user.groups:
            return Decision(True)
        if (node := node_of(user)) and self._nodes.allows(node, access):
            return Decision(True)
        return self._rbac(user, access)

    def rules(self, user: User, namespace: str) -> Iterator[Rule]:
        """All that RBAC allows the user in a namespace, or in the whole cluster (`namespace` "")."""
        index = self._roles.index()
        for grant in index.grants(user, namespace):
            yield from index.role(grant.role) or ()

    def role(self, key: RoleKey) -> tuple[Rule, ...] | None:
        """The rules of a role, None when there is no such role."""
        return self._roles.index().role(key)

    def _rbac(self, user: User, access: Access) -> Decision:
        index = self._roles.index()
        absent: dict[str, None] = {}
        for grant in index.grants(user, access.namespace):
            rules = index.role(grant.role)
            if rules is None:
                absent[_not_found(grant.role)] = None
            elif any(rule.allows(access) for rule in rules):
                return Decision(True, f"RBAC: allowed by {grant}")
        return Decision(False, f"RBAC: {_together(list(absent))}" if absent else "")


def _not_found(role: RoleKey) -> str:
    kind = "role" if role[0] else "clusterrole"
    return f'{kind}.rbac.authorization.k8s.io "{role[1]}" not found'


def _together(errors: list[str]) -> str:
    return errors[0] if len(errors) == 1 else f"[{', '.join(errors)}]"
