"""ResourceQuota: what is created is charged to the namespace's quotas, and refused where one has no room for it.

The charge is written into the quota's status before the object is, each time over the version of the quota that was
read, so that of many creates at once just so many get through as fit. An object that is not written after all has been
charged too much; the resourcequota controller measures anew whenever a quota was charged, and puts that right.
"""

from __future__ import annotations

import threading

from orchestrator.api.errors import Forbidden
from orchestrator.api.groups.core import EVENT, PERSISTENT_VOLUME_CLAIM, POD, RESOURCE_QUOTA, SERVICE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name, status
from orchestrator.api.quota.ledger import QuotaExceeded, charged
from orchestrator.server import keys
from orchestrator.server.admission.base import Attributes, Plugin
from orchestrator.server.admission.namespaces import forbidden
from orchestrator.server.conflicts import ATTEMPTS, conflict
from orchestrator.store.base import Entry, KeyNotFound, RevisionConflict, Store

#: Kinds whose objects may come to use more after their creation.
_GROWING = (PERSISTENT_VOLUME_CLAIM, SERVICE)
#: Under this name the charges are in the history.
_BY = "system:apiserver"


class ResourceQuotas(Plugin):
    """The last plugin: what it charges should be written."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # One charge after the other: within this server none has to be tried again because of another.
        self._turn = threading.Lock()

    def check(self, attributes: Attributes) -> None:
        if not _counts(attributes) or not self._quotas(attributes.namespace):
            return
        with self._turn:
            todo = {entry.key: entry for entry in self._quotas(attributes.namespace)}
            for _ in range(ATTEMPTS):
                todo = self._charge(attributes, todo)
                if not todo:
                    return
        raise conflict(RESOURCE_QUOTA, name(next(iter(todo.values())).object()))

    def _quotas(self, namespace: str) -> list[Entry]:
        return list(self._store.list(keys.prefix(RESOURCE_QUOTA, namespace)).entries)

    def _charge(self, attributes: Attributes, entries: dict[str, Entry]) -> dict[str, Entry]:
        """Charge all quotas, once each has room; returns the newest state of those that were changed meanwhile."""
        changed = [(entry, new) for entry in entries.values() if (new := _charged(attributes, entry)) is not None]
        left: dict[str, Entry] = {}
        for entry, quota in () if attributes.dry_run else changed:
            try:
                self._store.update(entry.key, quota, entry.revision, by=_BY)
            except RevisionConflict as error:
                left[entry.key] = error.current
            except KeyNotFound:
                continue  # It was deleted, and limits nothing any more.
        return left


def _counts(attributes: Attributes) -> bool:
    """True for a write that may use more than what is there does."""
    kind: Kind = attributes.kind
    if not kind.namespaced or not kind.stored or kind is EVENT:
        return False
    if attributes.subresource:
        return kind is POD and attributes.subresource == "resize"
    return attributes.operation == "CREATE" or (attributes.operation == "UPDATE" and kind in _GROWING)


def _charged(attributes: Attributes, entry: Entry) -> Object | None:
    """The quota with the object charged to it; None when it stays as it is. Raises Forbidden."""
    quota = entry.object()
    assert attributes.new is not None
    try:
        used = charged(quota, attributes.kind, attributes.new, attributes.old)
    except QuotaExceeded as refusal:
        raise _refused(attributes, refusal) from None
    if used == status(quota).get("used"):
        return None
    quota["status"]["used"] = dict(used)
    return quota


def _refused(attributes: Attributes, refusal: QuotaExceeded) -> Forbidden:
    return forbidden(attributes.kind, attributes.name, str(refusal))
