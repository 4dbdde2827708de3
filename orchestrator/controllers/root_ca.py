"""The root CA publisher: every active namespace has the ConfigMap `kube-root-ca.crt`, for pods that call the API."""

from __future__ import annotations

from pathlib import Path

from orchestrator.api.errors import ApiError
from orchestrator.api.groups.core import CONFIG_MAP, NAMESPACE
from orchestrator.api.meta import Key, Object, is_deleting, key, make_key, name, namespace
from orchestrator.controllers.base import Context, Controller
from orchestrator.controllers.errors import namespace_is_terminating

CONFIG_MAP_NAME = "kube-root-ca.crt"
_DESCRIPTION = "The certificate authority to verify the API server with, at its service address or kubernetes.default."


class RootCAPublisher(Controller):
    """Keys are namespaces'."""

    name = "root-ca-certificate-publisher"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._file: Path = context.settings.pki / "ca.crt"
        self._namespaces = self.informer(NAMESPACE)
        self._config_maps = self.informer(CONFIG_MAP)
        self._namespaces.add_handler(lambda old, new: self.queue.add(key(new or old or {})))
        self._config_maps.add_handler(self._config_map_changed)

    def _config_map_changed(self, old: Object | None, new: Object | None) -> None:
        changed = new or old or {}
        if name(changed) == CONFIG_MAP_NAME:
            self.queue.add(Key(namespace(changed)))

    def sync(self, key: Key) -> None:
        where = self._namespaces.cache.get(key)
        if where is None or is_deleting(where):
            return
        data = {"ca.crt": self._file.read_text()}
        current = self._config_maps.cache.get(make_key(key, CONFIG_MAP_NAME))
        if current is None:
            self._create(str(key), data)
        elif current.get("data") != data:
            self.client.update(CONFIG_MAP, {**current, "data": data})

    def _create(self, where: str, data: dict[str, str]) -> None:
        meta = {
            "name": CONFIG_MAP_NAME,
            "namespace": where,
            "annotations": {"kubernetes.io/description": _DESCRIPTION},
        }
        try:
            self.client.create(CONFIG_MAP, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
        except ApiError as error:
            if not namespace_is_terminating(error):
                raise
