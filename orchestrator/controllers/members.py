"""The objects that an owner controls by selector: who has to look when one changes, and taking in and letting go."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import (
    Key,
    Object,
    controller_of,
    group_of,
    is_deleting,
    key,
    labels,
    make_key,
    name,
    namespace,
    uid,
)
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer
from orchestrator.controllers.claim import Belongs, anyone, claim, selector_of
from orchestrator.controllers.indexes import controlled_by, index_by_controller, orphans

log = logging.getLogger(__name__)


class Members:
    """Objects of kind `members` that objects of kind `owners` control, and that carry `finalizer` while they do."""

    def __init__(
        self,
        client: Client,
        owners: Informer,
        members: Informer,
        belongs: Belongs = anyone,
        *,
        finalizer: str = "",
    ) -> None:
        self._client = client
        self._belongs = belongs
        self._owners = owners
        self._members = members
        self._finalizer = finalizer
        index_by_controller(members)

    def owners_of(self, member: Object) -> Iterable[Key]:
        """Its controller, or for an orphan every owner that could take it in."""
        controller = controller_of(member)
        if controller is None:
            candidates = self._owners.cache.list(namespace(member))
            return [key(owner) for owner in candidates if self._selects(owner, member)]
        kind = self._owners.kind
        if (group_of(str(controller.get("apiVersion"))), controller.get("kind")) != (kind.group, kind.kind):
            return []
        owner = make_key(namespace(member), str(controller.get("name")))
        found = self._owners.cache.get(owner)
        # Another object of the same name is not the owner; one that is not cached yet may be.
        return [owner] if found is None or uid(found) == controller.get("uid") else []

    def of(self, owner: Object) -> list[Object]:
        """What `owner` controls, after taking in orphans and letting go of what no longer matches.

        Raises ApiError: Conflict when the cache is behind.
        """
        candidates = controlled_by(self._members, uid(owner)) + orphans(self._members, namespace(owner))
        claims = claim(owner, selector_of(owner), candidates, self._belongs, finalizer=self._finalizer)
        if claims.adopt and not self._still_there(owner):
            return claims.owned
        kind = self._members.kind
        for released in claims.release:
            log.info("%s %s: let go by %s", kind.resource, key(released), key(owner))
            self._client.update(kind, released)
        return claims.owned + [self._adopt(kind, adopted, owner) for adopted in claims.adopt]

    def _adopt(self, kind: Kind, adopted: Object, owner: Object) -> Object:
        log.info("%s %s: taken in by %s", kind.resource, key(adopted), key(owner))
        return self._client.update(kind, adopted)

    def _still_there(self, owner: Object) -> bool:
        """Ask the server: an owner known only from an old cache must not take anything in. Raises NotFound."""
        live = self._client.get(self._owners.kind, name(owner), namespace(owner))
        return uid(live) == uid(owner) and not is_deleting(live)

    def _selects(self, owner: Object, member: Object) -> bool:
        selector = selector_of(owner)
        # An empty selector would take in everything; controllers refuse to act on one.
        return not selector.empty and selector.matches(labels(member)) and self._belongs(owner, member)
