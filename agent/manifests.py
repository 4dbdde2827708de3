"""From a manifest file to a static pod, as the kubelet makes it (`pkg/kubelet/config/common.go`). Pure.

Imported when there is a manifest: reading one needs the schema of the API.
"""

from __future__ import annotations

import hashlib

import orjson

from orchestrator.api import body, strict
from orchestrator.api.errors import ApiError, invalid_object
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object, name
from orchestrator.api.pods import SOURCE
from orchestrator.api.static_pods import HASH, SEEN, refused_references
from orchestrator.api.times import rfc3339
from orchestrator.api.validation import validate_metadata

_YAML = "application/yaml"
#: A node's own pods stay with it, whatever becomes of it.
_TOLERATION = {"operator": "Exists", "effect": "NoExecute"}


class ManifestError(ValueError):
    """The file is no pod that could run; the sentence says why."""


def static_pod(data: bytes, file: str, node: str, now: float) -> Object:
    """The pod in `data`, bound to `node`, under a uid that is a hash of it and its place. Raises ManifestError."""
    try:
        pod = _decoded(data)
        _complete(pod, file, node, now)
        POD.strategy.default(pod)
        errors = [*validate_metadata(POD, pod), *POD.strategy.validate(pod), *POD.strategy.validate_create(pod)]
        if errors:
            raise invalid_object(POD.kind, POD.group, name(pod), errors)
    except ApiError as error:
        raise ManifestError(error.message) from None
    if references := refused_references(pod):
        raise ManifestError(f"a static pod may not refer to objects of the API: {', '.join(references)}")
    return pod


def _decoded(data: bytes) -> Object:
    read = body.decode(data, _YAML)
    if not isinstance(read.value, dict) or (read.value.get("apiVersion"), read.value.get("kind")) != ("v1", "Pod"):
        raise ManifestError("it holds no Pod of v1: a manifest is one Pod")
    pod, _ = strict.accept(POD, read.value, "Strict", read.duplicates)
    return pod


def _complete(pod: Object, file: str, node: str, now: float) -> None:
    meta, wanted = pod.setdefault("metadata", {}), pod.setdefault("spec", {})
    own = hashlib.sha256(orjson.dumps([node, file, pod], option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]
    meta["uid"] = own
    meta["name"] = f"{meta.get('name') or ''}-{node}".lower()
    meta["namespace"] = meta.get("namespace") or "default"
    meta["annotations"] = (meta.get("annotations") or {}) | {HASH: own, SOURCE: "file", SEEN: rfc3339(now)}
    wanted["nodeName"] = node
    wanted["tolerations"] = [*(wanted.get("tolerations") or ()), _TOLERATION]
    pod["status"] = {"phase": "Pending"}
