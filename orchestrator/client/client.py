"""The one client of the API. What carries a request is a `Transport`: in-process, or HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name, namespace
from orchestrator.api.request import MERGE_PATCH, Request, WatchEvent


class WatchStream(Protocol):
    """Events as they come; iteration ends when the server or `close` ends the watch."""

    def __iter__(self) -> Iterator[WatchEvent]: ...

    def close(self) -> None:
        """May be called from another thread; the iteration then ends soon."""


class Transport(Protocol):
    def call(self, request: Request) -> Object:
        """Any verb but watch. Raises an `orchestrator.api.errors.ApiError`."""

    def watch(self, request: Request) -> WatchStream:
        """Raises an `ApiError` when the watch cannot start."""


@dataclass(frozen=True, slots=True)
class ObjectList:
    items: list[Object]
    resource_version: str
    continue_token: str = ""


class Client:
    """Typed verbs over a transport. Every method raises `orchestrator.api.errors.ApiError` on failure."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, kind: Kind, name: str, namespace: str = "", *, subresource: str = "") -> Object:
        return self._transport.call(Request("get", kind, namespace, name, subresource))

    def list(self, kind: Kind, namespace: str = "", **options: str) -> ObjectList:
        """`options` are query parameters: `labelSelector`, `fieldSelector`, `limit`, `resourceVersion` ..."""
        answer = self._transport.call(Request("list", kind, namespace, options=options))
        items: list[Object] = answer.get("items") or []
        for item in items:
            item.setdefault("apiVersion", kind.api_version)
            item.setdefault("kind", kind.kind)
        meta = answer.get("metadata", {})
        return ObjectList(items, str(meta.get("resourceVersion", "")), str(meta.get("continue", "")))

    def watch(self, kind: Kind, namespace: str = "", **options: str) -> WatchStream:
        return self._transport.watch(Request("watch", kind, namespace, options=options))

    def create(self, kind: Kind, obj: Object, **options: str) -> Object:
        request = Request("create", kind, namespace(obj), options=options, body=obj)
        return self._transport.call(request)

    def update(self, kind: Kind, obj: Object, *, subresource: str = "") -> Object:
        """Replace the object; its `resourceVersion`, when set, must still be current (Conflict otherwise)."""
        return self._transport.call(Request("update", kind, namespace(obj), name(obj), subresource, body=obj))

    def update_status(self, kind: Kind, obj: Object) -> Object:
        return self.update(kind, obj, subresource="status")

    def patch(
        self,
        kind: Kind,
        name: str,
        patch: Any,
        namespace: str = "",
        *,
        subresource: str = "",
        content_type: str = MERGE_PATCH,
    ) -> Object:
        return self._transport.call(
            Request("patch", kind, namespace, name, subresource, body=patch, content_type=content_type)
        )

    def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str = "",
        *,
        grace_seconds: int | None = None,
        propagation: str = "",
        uid: str = "",
        resource_version: str = "",
    ) -> Object:
        """`propagation` is Background, Foreground or Orphan; `uid` and `resource_version` are preconditions."""
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if propagation:
            options["propagationPolicy"] = propagation
        preconditions: Mapping[str, str] = {"uid": uid, "resourceVersion": resource_version}
        if given := {field: value for field, value in preconditions.items() if value}:
            options["preconditions"] = given
        return self._transport.call(Request("delete", kind, namespace, name, body=options))

    def delete_collection(self, kind: Kind, namespace: str, **options: str) -> None:
        """Delete all objects of `kind` in a namespace, or those that the selectors in `options` choose."""
        self._transport.call(Request("deletecollection", kind, namespace, options=options))

    def create_subresource(self, kind: Kind, name: str, subresource: str, body: Object, namespace: str = "") -> Object:
        """POST to a subresource: `binding`, `eviction`, `token`."""
        return self._transport.call(Request("create", kind, namespace, name, subresource, body=body))

    def bind(self, pod: Object, node: str, pods: Kind) -> None:
        """Assign `pod` to `node`. Raises Conflict when it is bound already."""
        binding: Object = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name(pod), "namespace": namespace(pod), "uid": pod["metadata"]["uid"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        self.create_subresource(pods, name(pod), "binding", binding, namespace(pod))
