"""Objects as CEL sees them: typed by the schema, with the names of fields that CEL's syntax allows.

After `k8s.io/apiserver/pkg/cel/common/values.go` and `k8s.io/apiserver/pkg/cel/escaping.go`.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.api.crd.node import TYPE_AND_METADATA, Node
from orchestrator.api.times import duration_seconds

#: Words of CEL that cannot be names of fields.
_RESERVED = frozenset(
    {
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return", "var", "void", "while"),
    }
)
_SPELLED = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
#: What rules see of the root's and of embedded resources' metadata.
_METADATA = ("name", "generateName")


def escape(name: str) -> str | None:
    """The field's name in an expression (`a-b` is `a__dash__b`); None for one that cannot be spelled."""
    if name in _RESERVED:
        return f"__{name}__"
    escaped = re.sub(r"__|[./-]", lambda match: _SPELLED[match[0]], name)
    return escaped if _NAME.fullmatch(escaped) else None


def value(node: Node, obj: Any) -> Any:
    """`obj` for an evaluation."""
    if obj is None:
        return None
    if isinstance(obj, dict):
        return _object(node, obj)
    if isinstance(obj, list):
        return [value(node.items, item) for item in obj] if node.items is not None else obj
    return _scalar(node, obj)


def _object(node: Node, obj: dict[str, Any]) -> Any:
    if not node.properties and not node.embedded:
        additional = node.additional
        return obj if additional is None else {key: value(additional, inner) for key, inner in obj.items()}
    seen = {
        escaped: value(inner, obj[name])
        for name, inner in node.properties.items()
        if name in obj and (escaped := escape(name)) is not None
    }
    if node.embedded:
        seen |= {name: obj[name] for name in TYPE_AND_METADATA if name in obj}
        if isinstance(metadata := obj.get("metadata"), dict):
            seen["metadata"] = {name: metadata[name] for name in _METADATA if name in metadata}
    return seen


def _scalar(node: Node, obj: Any) -> Any:
    """A wrong value, which an update may leave as it was, stays as it is: CEL says that it has no such operator."""
    kind = node.schema.get("type")
    if kind == "number" and type(obj) is int:
        return float(obj)
    if kind == "integer" and isinstance(obj, float) and obj.is_integer():
        return int(obj)
    if kind == "string" and isinstance(obj, str):
        try:
            return _text(node.schema.get("format"), obj)
        except (ValueError, OverflowError):
            return obj
    return obj


def _text(form: Any, text: str) -> Any:
    """Texts of some formats are values of their own types. Raises ValueError, OverflowError."""
    if form in ("date-time", "datetime"):
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    if form == "date":
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    if form == "duration":
        return duration(text)
    return base64.b64decode(text) if form == "byte" else text


def duration(text: str) -> timedelta:
    """`1h30m`; seconds are exact to a microsecond."""
    return timedelta(seconds=duration_seconds(text))
