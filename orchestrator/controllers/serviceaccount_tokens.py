"""The tokens controller: fills Secrets of type `kubernetes.io/service-account-token`, and deletes those of no account.

The token lives as long as the Secret that it is bound to and the account do; its time is as long as one can ask for.
"""

from __future__ import annotations

import base64
import logging
from pathlib import Path

from orchestrator.api.errors import NotFound
from orchestrator.api.groups.core import SECRET, SERVICE_ACCOUNT
from orchestrator.api.meta import Key, Object, make_key, name, namespace, uid
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.meta import key as key_of
from orchestrator.controllers.base import Context, Controller

log = logging.getLogger(__name__)

TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME, ACCOUNT_UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
_ACCOUNT = "service-account"
#: Seconds: 136 years, the longest that can be asked for.
_FOREVER = 1 << 32


class ServiceAccountTokens(Controller):
    """Keys are Secrets'."""

    name = "tokens-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._ca: Path = context.settings.pki / "ca.crt"
        self._accounts = self.informer(SERVICE_ACCOUNT)
        self._secrets = self.informer(SECRET)
        self._secrets.add_index(_ACCOUNT, lambda secret: (_account_of(secret),) if _is_token(secret) else ())
        self._secrets.add_handler(self._secret_changed)
        self._accounts.add_handler(self._account_changed)

    def _secret_changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and _is_token(new):
            self.queue.add(key_of(new))

    def _account_changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None:
            for secret in self._secrets.cache.by_index(_ACCOUNT, key_of(new or old or {})):
                self.queue.add(key_of(secret))

    def sync(self, key: Key) -> None:
        secret = self._secrets.cache.get(key)
        if secret is None or not _is_token(secret):
            return
        account = self._account(secret)
        if account is None or annotations_of(secret).get(ACCOUNT_UID) not in (None, "", uid(account)):
            log.info("secret %s: its service account is gone, deleting it", key)
            self._delete(secret)
            return
        wanted = self._filled(secret, account)
        if wanted != secret:
            self.client.update(SECRET, wanted)

    def _account(self, secret: Object) -> Object | None:
        """None only if the server has none: the cache may be behind."""
        account = annotations_of(secret)[ACCOUNT_NAME]
        found = self._accounts.cache.get(make_key(namespace(secret), account))
        if found is not None:
            return found
        try:
            return self.client.get(SERVICE_ACCOUNT, account, namespace(secret))
        except NotFound:
            return None

    def _delete(self, secret: Object) -> None:
        try:
            self.client.delete(SECRET, name(secret), namespace(secret), uid=uid(secret))
        except NotFound:
            return

    def _filled(self, secret: Object, account: Object) -> Object:
        """What is there already stays, but for the CA."""
        data = {"namespace": _encoded(namespace(secret).encode()), **(secret.get("data") or {})}
        data["ca.crt"] = _encoded(self._ca.read_bytes())
        if not data.get("token"):
            data["token"] = _encoded(self._token(secret, account).encode())
        meta = {**secret["metadata"], "annotations": annotations_of(secret) | {ACCOUNT_UID: uid(account)}}
        return {**secret, "metadata": meta, "data": data}

    def _token(self, secret: Object, account: Object) -> str:
        bound = {"apiVersion": "v1", "kind": SECRET.kind, "name": name(secret), "uid": uid(secret)}
        spec = {"expirationSeconds": _FOREVER, "boundObjectRef": bound}
        where = namespace(account)
        answer = self.client.create_subresource(SERVICE_ACCOUNT, name(account), "token", {"spec": spec}, where)
        return str(answer["status"]["token"])


def _is_token(secret: Object) -> bool:
    return secret.get("type") == TYPE


def _account_of(secret: Object) -> Key:
    return make_key(namespace(secret), str(annotations_of(secret).get(ACCOUNT_NAME)))


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
