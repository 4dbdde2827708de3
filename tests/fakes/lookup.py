"""API objects for the agent's code that only reads them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

from orchestrator.api.groups.core import CONFIG_MAP, SECRET, SERVICE
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name, namespace


class FakeLookup:
    """Implements `agent.lookup.Lookup` over what was added."""

    def __init__(self) -> None:
        self._objects: dict[tuple[Kind, str, str], Object] = {}

    def __call__(self, kind: Kind, namespace: str, name: str) -> Object | None:
        return self._objects.get((kind, namespace, name))

    def services(self, namespace: str) -> Iterable[Object]:
        return [obj for (kind, space, _), obj in self._objects.items() if kind is SERVICE and space == namespace]

    def add(self, kind: Kind, obj: Object) -> None:
        self._objects[kind, namespace(obj), name(obj)] = obj

    def config_map(self, name: str, data: Mapping[str, str], binary: Mapping[str, bytes] | None = None) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in (binary or {}).items()}
        self.add(CONFIG_MAP, {"metadata": _metadata(name), "data": dict(data), "binaryData": encoded})

    def secret(self, name: str, data: Mapping[str, bytes]) -> None:
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        self.add(SECRET, {"metadata": _metadata(name), "data": encoded})

    def service(self, name: str, address: str, ports: list[Object], namespace: str = "shop") -> None:
        spec = {"clusterIP": address, "ports": ports}
        self.add(SERVICE, {"metadata": {"name": name, "namespace": namespace}, "spec": spec})


def _metadata(name: str) -> Object:
    return {"name": name, "namespace": "shop"}
