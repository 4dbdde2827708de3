"""Which kinds the server serves, and by which words a user may call them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure


class Catalog:
    """Of a name that several groups have, the first group's kind is meant; of a group's versions, the preferred one."""

    def __init__(self, documents: Iterable[Object]) -> None:
        """`documents` are APIGroupDiscoveryLists, the core group's first."""
        self._by_word: dict[str, Kind] = {}
        self._by_type: dict[tuple[str, str], Kind] = {}
        self._by_category: dict[str, list[Kind]] = {}
        for kind, names in (entry for document in documents for entry in _entries(document)):
            self._by_type[kind.api_version, kind.kind] = kind
            preferred = kind.resource not in self._by_word
            for name in names:
                for word in (name, f"{name}.{kind.group}", f"{name}.{kind.version}.{kind.group}"):
                    self._by_word.setdefault(word.rstrip(".").lower(), kind)
            if preferred:
                for category in kind.categories:
                    self._by_category.setdefault(category, []).append(kind)

    def resolve(self, word: str) -> list[Kind]:
        """The kind that `word` names (`po`, `pod`, `deployments.apps`, `deployments.v1.apps`), or a category's kinds.

        Raises Failure.
        """
        if kind := self._by_word.get(word.lower()):
            return [kind]
        if kinds := self._by_category.get(word):
            return kinds
        raise Failure(f'the server doesn\'t have a resource type "{word}"')

    def by_type(self, api_version: str, kind: str) -> Kind | None:
        return self._by_type.get((api_version, kind))


def _entries(document: Object) -> Iterator[tuple[Kind, list[str]]]:
    """Each kind with its plural, singular and short names."""
    for group in document.get("items") or []:
        for version in group.get("versions") or []:
            for resource in version.get("resources") or []:
                yield _entry(str(group.get("metadata", {}).get("name") or ""), version["version"], resource)


def _entry(group: str, version: str, resource: Object) -> tuple[Kind, list[str]]:
    short_names = tuple(resource.get("shortNames") or ())
    kind = Kind(
        group,
        version,
        resource["responseKind"]["kind"],
        resource["resource"],
        namespaced=resource.get("scope") == "Namespaced",
        short_names=short_names,
        categories=tuple(resource.get("categories") or ()),
        subresources=tuple(sub["subresource"] for sub in resource.get("subresources") or ()),
        verbs=tuple(resource.get("verbs") or ()),
    )
    singular = resource.get("singularResource") or kind.singular
    return kind, [kind.plural, singular, kind.singular, *short_names]
