"""Creates and deletes the pods of workloads, tells their events, and waits to see what it did.

A controller that acted on a cache older than its own last writes would act twice: `satisfied` says when the cache
shows them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Key, Object, controller_of, is_deleting, key, name, namespace, uid
from orchestrator.client.client import Client
from orchestrator.controllers.batches import all_at_once, slow_start
from orchestrator.controllers.errors import namespace_is_terminating
from orchestrator.controllers.expectations import Expectations
from orchestrator.controllers.members import Members
from orchestrator.util.clock import Clock

#: Pods created or deleted at the same time, over all owners of one kind.
_PARALLEL = 8

#: (owner, type, reason, message), as `Controller.record`.
Record = Callable[[Object, Literal["Normal", "Warning"], str, str], None]


class PodControl:
    """The sentences of its events are those of Kubernetes' `RealPodControl`; subclasses have others."""

    def __init__(self, name: str, client: Client, clock: Clock, record: Record) -> None:
        self._client = client
        self._record = record
        self._expectations = Expectations(clock)
        self._pool = ThreadPoolExecutor(_PARALLEL, thread_name_prefix=name)

    def stop(self) -> None:
        self._pool.shutdown()

    def satisfied(self, owner: Key) -> bool:
        """True when everything done for `owner` was seen, or is overdue."""
        return self._expectations.satisfied(owner)

    def forget(self, owner: Key) -> None:
        self._expectations.forget(owner)

    def observe(self, members: Members, old: Object | None, new: Object | None) -> None:
        """To be told of every change of a pod, before its owner is put on the queue."""
        if old is None and new is not None and not is_deleting(new) and controller_of(new):
            for owner in members.owners_of(new):
                self._expectations.creation_observed(owner)
        gone = new or old or {}
        if (new is None or is_deleting(new)) and controller_of(gone):
            for owner in members.owners_of(gone):
                self._expectations.deletion_observed(owner, uid(gone))

    def create(self, owner: Object, pods: Sequence[Object]) -> tuple[int, ApiError | None]:
        """How many pods were made, and why not more; that the namespace is going away is no reason."""
        if not pods:
            return 0, None
        self._expectations.expect(key(owner), creations=len(pods))
        return self._create(owner, pods)

    def delete(self, owner: Object, pods: Sequence[Object]) -> ApiError | None:
        """Returns the first error."""
        if not pods:
            return None
        self._expectations.expect(key(owner), deletions=map(uid, pods))
        return self._delete(owner, pods)

    def carry_out(self, owner: Object, create: Sequence[Object], delete: Sequence[Object]) -> ApiError | None:
        """Both at once. Returns the first error."""
        if not create and not delete:
            return None
        self._expectations.expect(key(owner), creations=len(create), deletions=map(uid, delete))
        return self._create(owner, create)[1] or self._delete(owner, delete)

    def for_each(self, pods: Sequence[Object], call: Callable[[Object], None]) -> list[ApiError]:
        """Do something else with pods, many at a time; the errors of those that failed."""
        return all_at_once(self._pool, pods, call)

    def _create(self, owner: Object, pods: Sequence[Object]) -> tuple[int, ApiError | None]:
        done, error = slow_start(self._pool, pods, lambda pod: self._create_one(owner, pod))
        # Nobody will see those that failed or were not tried.
        self._expectations.creation_observed(key(owner), len(pods) - done)
        return done, None if error is None or namespace_is_terminating(error) else error

    def _create_one(self, owner: Object, pod: Object) -> None:
        try:
            made = self._client.create(POD, pod)
        except ApiError as error:
            if not namespace_is_terminating(error):
                self.tell(owner, "create", pod, error)
            raise
        self.tell(owner, "create", made, None)

    def _delete(self, owner: Object, pods: Sequence[Object]) -> ApiError | None:
        errors = self.for_each(pods, lambda pod: self._delete_one(owner, pod))
        return next(iter(errors), None)

    def _delete_one(self, owner: Object, pod: Object) -> None:
        try:
            self._client.delete(POD, name(pod), namespace(pod), uid=uid(pod))
        except ApiError as error:
            self._expectations.deletion_observed(key(owner), uid(pod))
            if isinstance(error, NotFound):
                return
            self.tell(owner, "delete", pod, error)
            raise
        self.tell(owner, "delete", pod, None)

    def tell(self, owner: Object, verb: str, pod: Object, error: ApiError | None) -> None:
        if error is None:
            self._record(owner, "Normal", f"Successful{verb.capitalize()}", f"{verb.capitalize()}d pod: {name(pod)}")
        else:
            doing = "creating" if verb == "create" else "deleting"
            self._record(owner, "Warning", f"Failed{verb.capitalize()}", f"Error {doing}: {error}")
