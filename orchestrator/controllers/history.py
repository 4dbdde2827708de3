"""The ControllerRevisions of StatefulSets or DaemonSets, made, renumbered and forgotten."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from orchestrator.api.errors import AlreadyExists, NotFound
from orchestrator.api.groups.apps import CONTROLLER_REVISION
from orchestrator.api.meta import Object, key, name, namespace, status, uid
from orchestrator.client.client import Client
from orchestrator.client.informer import Informer
from orchestrator.controllers import revision_plan as plans
from orchestrator.controllers.members import Members

log = logging.getLogger(__name__)


class History:
    """`hash_label` is where a revision keeps the hash that is in its name. Every method raises ApiError."""

    def __init__(self, client: Client, owners: Informer, revisions: Informer, hash_label: str) -> None:
        self._client = client
        self._hash_label = hash_label
        self.members = Members(client, owners, revisions)

    def of(self, owner: Object) -> list[Object]:
        """The revisions of `owner`, oldest first."""
        return plans.ordered(self.members.of(owner))

    def current(self, owner: Object, revisions: Sequence[Object]) -> tuple[Object, int]:
        """The revision of the owner's template, and how many hash collisions it took to name it."""
        collisions = int(status(owner).get("collisionCount") or 0)
        target = plans.target(owner, revisions)
        if target.found is None:
            return self._create(owner, target.number, collisions)
        if plans.number_of(target.found) == target.number:
            return target.found, collisions
        log.info("%s: back to revision %s, now %d", key(owner), name(target.found), target.number)
        renumbered = {**target.found, "revision": target.number}
        return self._client.update(CONTROLLER_REVISION, renumbered), collisions

    def _create(self, owner: Object, number: int, collisions: int) -> tuple[Object, int]:
        """The name may be taken: by our own revision that the cache does not show yet, or by another template with
        the same hash, and then the count of collisions makes another one."""
        while True:
            wanted = plans.new_revision(owner, number, collisions, self._hash_label)
            try:
                return self._client.create(CONTROLLER_REVISION, wanted), collisions
            except AlreadyExists:
                there = self._client.get(CONTROLLER_REVISION, name(wanted), namespace(wanted))
            if there.get("data") == wanted["data"] and plans.is_owned_by(there, owner):
                return there, collisions
            collisions += 1
            log.info("%s: hash collision on %s, the next hash counts %d", key(owner), name(wanted), collisions)

    def named(self, owner: Object, revisions: Sequence[Object], name_: str) -> Object | None:
        """The revision of that name, also when the cache does not show it yet; None when it is gone."""
        if not name_:
            return None
        found = next((revision for revision in revisions if name(revision) == name_), None)
        if found is not None:
            return found
        try:
            there = self._client.get(CONTROLLER_REVISION, name_, namespace(owner))
        except NotFound:
            return None
        return there if plans.is_owned_by(there, owner) else None

    def forget(self, owner: Object, revisions: Sequence[Object], live: Collection[str]) -> None:
        """Delete what the owner's history limit has no room for."""
        for revision in plans.outdated(owner, revisions, live):
            self.delete(revision)

    def delete(self, revision: Object) -> None:
        log.info("removing old revision %s", key(revision))
        try:
            self._client.delete(CONTROLLER_REVISION, name(revision), namespace(revision), uid=uid(revision))
        except NotFound:
            return
