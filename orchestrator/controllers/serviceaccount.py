"""The ServiceAccount controller: every active namespace has the account `default`."""

from __future__ import annotations

from orchestrator.api.errors import AlreadyExists, ApiError
from orchestrator.api.groups.core import NAMESPACE, SERVICE_ACCOUNT
from orchestrator.api.meta import Key, Object, is_deleting, key, make_key, name, namespace
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.errors import namespace_is_terminating

ACCOUNT = "default"


class ServiceAccountController(Controller):
    """Keys are namespaces'."""

    name = "serviceaccount-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._namespaces = self.informer(NAMESPACE)
        self._accounts = self.informer(SERVICE_ACCOUNT)
        self._namespaces.add_handler(lambda old, new: self.queue.add(key(new or old or {})))
        self._accounts.add_handler(self._account_changed)

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None and old is not None and name(old) == ACCOUNT:
            self.queue.add(Key(namespace(old)))

    def sync(self, key: Key) -> None:
        where = self._namespaces.cache.get(key)
        if where is None or is_deleting(where) or self._accounts.cache.get(make_key(key, ACCOUNT)):
            return
        account = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": ACCOUNT, "namespace": str(key)},
        }
        try:
            self.client.create(SERVICE_ACCOUNT, account)
        except AlreadyExists:
            return
        except ApiError as error:
            if not namespace_is_terminating(error):
                raise
