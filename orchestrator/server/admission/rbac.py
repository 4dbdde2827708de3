"""Nobody gives away by a role or a binding what he does not hold himself.

As `k8s.io/kubernetes/pkg/registry/rbac`: the verb `escalate` on a role, or `bind` on the role of a binding, lifts that.
"""

from __future__ import annotations

from orchestrator.api.access import MASTERS, Access
from orchestrator.api.errors import not_found
from orchestrator.api.groups.rbac import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, RBAC_GROUP, ROLE, ROLE_BINDING
from orchestrator.api.meta import Object
from orchestrator.api.rbac import EVERYTHING, Rule, missing, rules_of
from orchestrator.server.admission.base import Attributes, Plugin
from orchestrator.server.admission.namespaces import forbidden
from orchestrator.server.authorization import Authorizer
from orchestrator.server.rbac_index import role_key

_ROLES = (ROLE, CLUSTER_ROLE)
_BINDINGS = (ROLE_BINDING, CLUSTER_ROLE_BINDING)


class EscalationPrevention(Plugin):
    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def admit(self, attributes: Attributes) -> None:
        new = attributes.new
        if new is None or MASTERS in attributes.user.groups:
            return
        if attributes.kind in _ROLES and _grants(new) != _grants(attributes.old or {}):
            self._check_role(attributes, new)
        elif attributes.kind in _BINDINGS and _binds(new) != _binds(attributes.old or {}):
            self._check_binding(attributes, new)

    def _check_role(self, attributes: Attributes, role: Object) -> None:
        if self._may(attributes, "escalate", attributes.kind.plural, attributes.name):
            return
        if role.get("aggregationRule") and self._missing(attributes, EVERYTHING):
            raise forbidden(
                attributes.kind, attributes.name, "must have cluster-admin privileges to use the aggregationRule"
            )
        self._check_held(attributes, rules_of(role))

    def _check_binding(self, attributes: Attributes, binding: Object) -> None:
        where, role = role_key(binding)
        plural = ROLE.plural if where else CLUSTER_ROLE.plural
        if self._may(attributes, "bind", plural, role):
            return
        rules = self._authorizer.role((where, role))
        if rules is None:
            raise not_found(RBAC_GROUP, plural, role)
        self._check_held(attributes, rules)

    def _may(self, attributes: Attributes, verb: str, plural: str, name: str) -> bool:
        access = Access(verb, RBAC_GROUP, plural, namespace=attributes.namespace, name=name)
        return self._authorizer.decide(attributes.user, access).allowed

    def _missing(self, attributes: Attributes, rules: tuple[Rule, ...]) -> list[Rule]:
        return missing(self._authorizer.rules(attributes.user, attributes.namespace), rules)

    def _check_held(self, attributes: Attributes, rules: tuple[Rule, ...]) -> None:
        if lacking := self._missing(attributes, rules):
            user = attributes.user
            groups = " ".join(f'"{group}"' for group in user.groups)
            why = f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:'
            raise forbidden(attributes.kind, attributes.name, "\n".join([why, *map(str, lacking)]))


def _grants(role: Object) -> tuple[object, object]:
    return role.get("rules") or [], role.get("aggregationRule")


def _binds(binding: Object) -> tuple[object, object]:
    return binding.get("roleRef"), binding.get("subjects") or []
