"""Secret."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

import orjson

from orchestrator.api import meta
from orchestrator.api.checks import Errors, unchanged
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.meta import Object, name
from orchestrator.api.strategies import content
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created

OPAQUE = "Opaque"
_ACCOUNT = "kubernetes.io/service-account.name"
#: The keys that a Secret of a well-known type must have.
_KEYS = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_JSON_TYPES = ("kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson")
_HIDDEN = "<secret contents redacted>"


class SecretStrategy(Strategy):
    columns = (NAME, Column("Type"), Column("Data", "integer"), AGE)
    has_status = False
    selectable = frozenset({"type"})

    def default(self, obj: Object) -> None:
        """`stringData` is a way to write `data`, and is never read back."""
        fill(obj, {"type": OPAQUE})
        plain = obj.pop("stringData", None) or {}
        if plain:
            encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
            obj["data"] = {**(obj.get("data") or {}), **encoded}

    def validate(self, obj: Object) -> list[FieldError]:
        return [*content.keys(obj, "data"), *_content(obj), *_well_known(obj)]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return [*unchanged("type", new.get("type"), old.get("type")), *content.frozen(new, old, "data")]

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {"type": obj.get("type") or ""}

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), obj.get("type"), len(obj.get("data") or {}), created(obj, now))


def _content(secret: Object) -> Errors:
    yield from content.size(sum(len(content.decoded(value)) for value in (secret.get("data") or {}).values()), "data")


def _well_known(secret: Object) -> Errors:
    """What the type promises to those that use the Secret."""
    kind, data = secret.get("type") or "", secret.get("data") or {}
    if kind == "kubernetes.io/service-account-token" and not meta.annotations(secret).get(_ACCOUNT):
        yield required(f"metadata.annotations[{_ACCOUNT}]")
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        yield required("data[username]")
        yield required("data[password]")
    for key in _KEYS.get(kind, ()):
        if key not in data:
            yield required(f"data[{key}]")
        elif kind in _JSON_TYPES and (why := _json_problem(content.decoded(data[key]))):
            yield invalid(f"data[{key}]", _HIDDEN, why)


def _json_problem(text: bytes) -> str:
    try:
        value = orjson.loads(text)
    except ValueError as error:
        return str(error)
    return "" if isinstance(value, dict) else "must be a JSON object"
