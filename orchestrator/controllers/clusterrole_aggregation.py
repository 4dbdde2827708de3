"""ClusterRole aggregation: the rules of a role with an aggregationRule are those of the roles its selectors choose."""

from __future__ import annotations

from orchestrator.api.groups.rbac import CLUSTER_ROLE
from orchestrator.api.meta import Key, Object, key
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.clusterrole_aggregation_plan import gathered, gathers


class ClusterRoleAggregation(Controller):
    """Keys are those of roles that gather."""

    name = "clusterrole-aggregation-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._roles = self.informer(CLUSTER_ROLE)
        self._roles.add_handler(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        """Any role's labels and rules may concern any role that gathers, and there are few of those."""
        for role in self._roles.cache.list():
            if gathers(role):
                self.queue.add(key(role))

    def sync(self, key: Key) -> None:
        role = self._roles.cache.get(key)
        if role is None or not gathers(role):
            return
        rules = gathered(role, self._roles.cache.list())
        if rules != (role.get("rules") or []):
            self.client.update(CLUSTER_ROLE, {**role, "rules": rules})
