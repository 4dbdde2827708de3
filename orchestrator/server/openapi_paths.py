"""The `paths` of an OpenAPI v3 document: what clients look up there is whether an operation takes a parameter or a
media type, and which kind it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.request import APPLY_PATCH, JSON, JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH
from orchestrator.server.discovery import Subresource, subresource
from orchestrator.server.openapi_schemas import reference

#: (apiVersion, kind) -> definition name.
Names = Mapping[tuple[str, str], str]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)

#: Query parameters: name -> (type, what it does).
_PARAMETERS = {
    "pretty": ("string", "If 'true', then the output is pretty printed."),
    "dryRun": ("string", "'All': check and answer, but do not write."),
    "fieldManager": ("string", "The name of the actor that makes the change."),
    "fieldValidation": ("string", "What to do with unknown and duplicate fields: Ignore, Warn or Strict."),
    "force": ("boolean", "Take over fields that another manager owns, in an apply."),
    "labelSelector": ("string", "Restricts the list to objects with matching labels."),
    "fieldSelector": ("string", "Restricts the list to objects with matching fields."),
    "limit": ("integer", "The most objects that are returned in one answer."),
    "continue": ("string", "Where the previous answer ended."),
    "resourceVersion": ("string", "The version to read, or to watch from."),
    "resourceVersionMatch": ("string", "How resourceVersion is meant: Exact or NotOlderThan."),
    "timeoutSeconds": ("integer", "When to end the call."),
    "watch": ("boolean", "Return changes as they happen instead of a list."),
    "allowWatchBookmarks": ("boolean", "Send BOOKMARK events in a watch."),
    "sendInitialEvents": ("boolean", "Begin a watch with the objects that there are."),
    "gracePeriodSeconds": ("integer", "Seconds before the object is deleted."),
    "propagationPolicy": ("string", "What becomes of dependents: Orphan, Background or Foreground."),
    "orphanDependents": ("boolean", "Deprecated: use propagationPolicy."),
}
_WRITE = ("dryRun", "fieldManager", "fieldValidation")
_DELETE = ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy")
_LIST = (
    "allowWatchBookmarks",
    "continue",
    "fieldSelector",
    "labelSelector",
    "limit",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
)
#: Discovery verb -> (method, query parameters) for subresources.
_METHODS = {
    "get": ("get", ()),
    "create": ("post", _WRITE),
    "update": ("put", _WRITE),
    "patch": ("patch", (*_WRITE, "force")),
    "delete": ("delete", _DELETE),
}


def paths(kinds: Sequence[Kind], names: Names) -> Object:
    """Every path of the kinds of one group-version."""
    return {path: item for kind in kinds for path, item in _paths(kind, names)}


def _paths(kind: Kind, names: Names) -> Iterator[tuple[str, Object]]:
    root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.api_version}"
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    describe = _Describer(kind, names)
    collection = f"{root}{scope}/{kind.plural}"
    if kind.namespaced and "list" in kind.verbs:
        yield f"{root}/{kind.plural}", {"get": describe.listing("ForAllNamespaces")}
    yield collection, describe.collection()
    if "get" in kind.verbs:
        yield f"{collection}/{{name}}", describe.item()
    for name in kind.subresources:
        yield f"{collection}/{{name}}/{name}", describe.subresource(name)


class _Describer:
    def __init__(self, kind: Kind, names: Names) -> None:
        self._kind = kind
        self._names = names
        self._object = _ref(names.get((kind.api_version, kind.kind)))
        self._list = _ref(names.get((kind.api_version, kind.list_kind)))

    def listing(self, suffix: str = "") -> Object:
        return self._operation("list", _LIST, answer=self._list, suffix=suffix)

    def collection(self) -> Object:
        operations = {
            "list": ("get", self.listing()),
            "deletecollection": (
                "delete",
                self._operation("deletecollection", (*_DELETE, *_LIST[:-1]), body=_delete_options()),
            ),
            "create": ("post", self._operation("post", _WRITE, body=self._object, answer=self._object)),
        }
        return self._served(operations) | {"parameters": self._path_parameters(named=False)}

    def item(self) -> Object:
        operations = {
            "get": ("get", self._operation("get", (), answer=self._object)),
            "update": ("put", self._operation("put", _WRITE, body=self._object, answer=self._object)),
            "patch": ("patch", self._patch(self._object)),
            "delete": (
                "delete",
                self._operation(
                    "delete",
                    _DELETE,
                    body=_delete_options(),
                    answer=self._object if self._kind.strategy.returns_deleted else None,
                ),
            ),
        }
        return self._served(operations) | {"parameters": self._path_parameters(named=True)}

    def _served(self, operations: Mapping[str, tuple[str, Object]]) -> Object:
        """The operations (verb -> method, what it is) whose verbs the kind has."""
        return {method: operation for verb, (method, operation) in operations.items() if verb in self._kind.verbs}

    def subresource(self, name: str) -> Object:
        speaks = subresource(self._kind, name)
        item: Object = {"parameters": self._path_parameters(named=True)}
        for verb in speaks.verbs:
            method, parameters = _METHODS[verb]
            item[method] = self._subresource_operation(name, speaks, method, parameters)
        return item

    def _subresource_operation(
        self, name: str, speaks: Subresource, method: str, parameters: tuple[str, ...]
    ) -> Object:
        api_version = f"{speaks.group}/{speaks.version}" if speaks.group else speaks.version
        about = _ref(self._names.get((api_version, speaks.kind)))
        suffix = name.capitalize()
        if method == "patch":
            operation = self._patch(about, suffix)
        else:
            body = about if method in ("post", "put") else None
            operation = self._operation(method, parameters, body=body, answer=about, suffix=suffix)
        return operation | {"x-kubernetes-group-version-kind": _gvk(speaks.group, speaks.version, speaks.kind)}

    def _patch(self, about: Object | None, suffix: str = "") -> Object:
        # Custom resources have no strategic merge: nothing says how their lists would be merged.
        taken = [media for media in _PATCHES if media != STRATEGIC_PATCH or self._kind.document is None]
        body = {"content": {media: {"schema": reference(f"{_META}.Patch")} for media in taken}, "required": True}
        operation = self._operation("patch", (*_WRITE, "force"), answer=about, suffix=suffix)
        return {**operation, "requestBody": body}

    def _operation(
        self,
        action: str,
        parameters: tuple[str, ...],
        *,
        body: Object | None = None,
        answer: Object | None = None,
        suffix: str = "",
    ) -> Object:
        kind = self._kind
        answer = answer or reference(f"{_META}.Status")
        operation: Object = {
            "tags": [_tag(kind)],
            "operationId": f"{action}{_camel(kind)}{'Namespaced' if kind.namespaced else ''}{kind.kind}{suffix}",
            "parameters": [_parameter(name) for name in ("pretty", *parameters)],
            "responses": {"200": {"description": "OK", "content": {JSON: {"schema": answer}}}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": _gvk(kind.group, kind.version, kind.kind),
        }
        if body:
            operation["requestBody"] = {"content": {JSON: {"schema": body}}}
        return operation

    def _path_parameters(self, *, named: bool) -> list[Object]:
        wanted = [name for name, there in (("name", named), ("namespace", self._kind.namespaced)) if there]
        return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in wanted]


def _ref(definition: str | None) -> Object | None:
    return reference(definition) if definition else None


def _delete_options() -> Object:
    return reference(f"{_META}.DeleteOptions")


def _parameter(name: str) -> Object:
    kind, description = _PARAMETERS[name]
    return {"name": name, "in": "query", "description": description, "schema": {"type": kind, "uniqueItems": True}}


def _gvk(group: str, version: str, kind: str) -> Object:
    return {"group": group, "version": version, "kind": kind}


def _tag(kind: Kind) -> str:
    """`core_v1`, `apps_v1`, `discovery_v1`."""
    return f"{kind.group.partition('.')[0] or 'core'}_{kind.version}"


def _camel(kind: Kind) -> str:
    """`CoreV1`, `AppsV1`."""
    return "".join(part.capitalize() for part in _tag(kind).split("_"))
