"""The token cleaner: Secrets of bootstrap tokens go when the tokens end."""

from __future__ import annotations

from orchestrator.api.bootstrap_tokens import NAMESPACE, TYPE, expires
from orchestrator.api.groups.core import SECRET
from orchestrator.api.meta import Key, Object, key, name, namespace, uid
from orchestrator.controllers.base import Context, Controller


class TokenCleaner(Controller):
    name = "token-cleaner"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._secrets = self.informer(SECRET)
        self._secrets.add_handler(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new.get("type") == TYPE and namespace(new) == NAMESPACE:
            self.queue.add(key(new))

    def sync(self, key: Key) -> None:
        secret = self._secrets.cache.get(key)
        if secret is None or (until := expires(secret)) is None:
            return
        if (left := until - self.clock.now()) > 0:
            self.look_again(key, left)
        else:
            self.client.delete(SECRET, name(secret), NAMESPACE, uid=uid(secret))
