"""What a command is about: `pods`, `deploy/web svc/web`, `deploy,po`, `pod a b`. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs.catalog import Catalog

DEFAULT_NAMESPACE = "default"


@dataclass(frozen=True, slots=True)
class Target:
    """An object, or with name "" those of the kind in the namespace; with namespace "" in all of them."""

    kind: Kind
    name: str
    namespace: str

    def __str__(self) -> str:
        return named(self.kind, self.name)


def named(kind: Kind, name: str) -> str:
    """`pod/web`, `deployment.apps/web`."""
    return f"{qualified(kind)}/{name}"


def qualified(kind: Kind) -> str:
    """`pod`, `deployment.apps`."""
    return f"{kind.singular}.{kind.group}" if kind.group else kind.singular


def parse(catalog: Catalog, words: Sequence[str], namespace: str) -> list[Target]:
    """What the arguments name: TYPE[,TYPE] [NAME...], or TYPE/NAME... Raises Failure."""
    if not words:
        raise Failure("say what: a resource type (pods), a name (pod/web), or a file (-f)")
    if any("/" in word for word in words):
        return [target for word in words for target in _with_slash(catalog, word, namespace)]
    kinds = [kind for word in words[0].split(",") for kind in catalog.resolve(word)]
    return [_target(kind, name, namespace) for kind in dict.fromkeys(kinds) for name in words[1:] or [""]]


def of_object(kind: Kind, obj: Object, namespace: str) -> Target:
    """Of an object in a file; `namespace` is for one that names none."""
    metadata = obj.get("metadata") or {}
    return _target(kind, str(metadata.get("name") or ""), str(metadata.get("namespace") or namespace))


def _with_slash(catalog: Catalog, word: str, namespace: str) -> list[Target]:
    kind, slash, name = word.partition("/")
    if not slash:
        raise Failure("there is no need to specify a resource type as a separate argument when passing TYPE/NAME")
    if not kind or not name or "/" in name:
        raise Failure(f"arguments in TYPE/NAME form must have a single type and name, not {word!r}")
    return [_target(found, name, namespace) for found in catalog.resolve(kind)]


def _target(kind: Kind, name: str, namespace: str) -> Target:
    if name and kind.namespaced and not namespace:
        raise Failure("a resource cannot be retrieved by name across all namespaces")
    return Target(kind, name, namespace if kind.namespaced else "")
