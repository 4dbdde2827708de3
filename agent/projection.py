"""The files of configMap, secret, downwardAPI and projected volumes (reads through `lookup`, writes nothing)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from agent.downward import field_value, named_container, resource_value
from agent.lookup import Lookup
from agent.runtime.base import ConfigError
from agent.runtime.node import NodeContext
from agent.sources import config_map_bytes, secret_bytes
from orchestrator.api.meta import Object, namespace, status

#: (pod, audience, seconds of validity) -> a token of the pod's service account.
Tokens = Callable[[Object, str, int], str]

DEFAULT_MODE = 0o644
_TOKEN_SECONDS = 3600


class File(NamedTuple):
    data: bytes
    mode: int


#: By path in the volume.
Files = Mapping[str, File]


class Missing(Exception):
    """Something that is not optional is not there; the sentence is the kubelet's."""


@dataclass(frozen=True, slots=True)
class Projector:
    lookup: Lookup
    node: NodeContext
    #: None where service accounts have no tokens.
    tokens: Tokens | None = None

    def files(self, pod: Object, volume: Object) -> Files:
        """Raises Missing, ConfigError, and what `lookup` and `tokens` raise."""
        if projected := volume.get("projected"):
            mode = _mode(projected, DEFAULT_MODE)
            found: dict[str, File] = {}
            for source in projected.get("sources") or ():
                found |= self._source(pod, source, mode)
            return found
        return self._source(pod, volume, DEFAULT_MODE)

    def _source(self, pod: Object, source: Object, mode: int) -> Files:
        if (own := source.get("configMap")) is not None:
            name = own["name"]
            return _select(own, config_map_bytes(self.lookup, namespace(pod), name), "configmap", name, mode)
        if (own := source.get("secret")) is not None:
            # A volume says secretName, a projected source name.
            name = own.get("secretName") or own["name"]
            return _select(own, secret_bytes(self.lookup, namespace(pod), name), "secret", name, mode)
        if (own := source.get("downwardAPI")) is not None:
            return self._downward(pod, own, mode)
        if (own := source.get("serviceAccountToken")) is not None:
            return {own["path"]: File(self._token(pod, own), mode)}
        raise ConfigError(f"a projected volume's source {', '.join(source)} is not supported")

    def _downward(self, pod: Object, own: Object, mode: int) -> Files:
        default = _mode(own, mode)
        return {
            item["path"]: File(self._downward_value(pod, item).encode(), _mode(item, default, "mode"))
            for item in own.get("items") or ()
        }

    def _downward_value(self, pod: Object, item: Object) -> str:
        if reference := item.get("fieldRef"):
            return field_value(reference["fieldPath"], pod, status(pod))
        reference = item["resourceFieldRef"]
        return resource_value(reference, named_container(pod, reference["containerName"]), self.node)

    def _token(self, pod: Object, own: Object) -> bytes:
        if self.tokens is None:
            raise ConfigError("service account tokens are not available on this node")
        return self.tokens(pod, own.get("audience") or "", own.get("expirationSeconds") or _TOKEN_SECONDS).encode()


def _select(own: Object, data: Mapping[str, bytes] | None, kind: str, name: str, mode: int) -> Files:
    """All keys under their own names, or the `items` under their paths."""
    optional = bool(own.get("optional"))
    if data is None:
        if optional:
            return {}
        raise Missing(f'{kind} "{name}" not found')
    default = _mode(own, mode)
    items = own.get("items")
    if not items:
        return {key: File(value, default) for key, value in data.items()}
    absent = [item["key"] for item in items if item["key"] not in data]
    if absent and not optional:
        what = (
            "configmap references non-existent config key"
            if kind == "configmap"
            else ("references non-existent secret key")
        )
        raise Missing(f"{what}: {absent[0]}")
    return {
        item["path"]: File(data[item["key"]], _mode(item, default, "mode")) for item in items if item["key"] in data
    }


def _mode(own: Object, default: int, field: str = "defaultMode") -> int:
    mode = own.get(field)
    return default if mode is None else int(mode)
