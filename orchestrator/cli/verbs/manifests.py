"""Objects in files: YAML or JSON, several documents, Lists; from files, folders, URLs and stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.api import yaml_body
from orchestrator.api.errors import BadRequest
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.cli.failure import Failure
from orchestrator.cli.verbs.session import Session
from orchestrator.cli.verbs.targets import DEFAULT_NAMESPACE, Target, of_object

#: Which files of a folder are read.
_SUFFIXES = (".yaml", ".yml", ".json")
_MAX_DEPTH = 500
_URL_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Document:
    """An object and where it was read, for messages: `web.yaml, document 2`."""

    place: str
    obj: Object


def read(files: Sequence[str]) -> list[Document]:
    """All objects, in order. Raises Failure naming file and document."""
    found = [document for file in files for name, data in _sources(file) for document in parse(name, data)]
    if not found:
        raise Failure(f"no objects in {', '.join(files)}")
    return found


def targets(session: Session, files: Sequence[str], namespace: str) -> list[Target]:
    """What the files' objects are called. Raises Failure."""
    return [target(session, document, namespace) for document in read(files)]


def target(session: Session, document: Document, namespace: str) -> Target:
    """`namespace` is the one asked for, or "". Raises Failure when the object is in another."""
    obj = document.obj
    own = str((obj.get("metadata") or {}).get("namespace") or "")
    if own and namespace and own != namespace:
        raise Failure(f"{document.place}: the object's namespace {own!r} is not {namespace!r}, which -n asks for")
    return of_object(_kind(session, document), obj, namespace or DEFAULT_NAMESPACE)


def _kind(session: Session, document: Document) -> Kind:
    api_version, name = str(document.obj["apiVersion"]), str(document.obj["kind"])
    if session.catalog.by_type(api_version, name) is None:
        session.forget_catalog()  # its definition may have been applied a moment ago
    kind = session.catalog.by_type(api_version, name)
    if kind is None:
        raise Failure(f'{document.place}: no matches for kind "{name}" in version "{api_version}"')
    return kind


def parse(name: str, data: bytes) -> Iterator[Document]:
    """The objects in one file's content; `name` is for messages. Raises Failure."""
    try:
        for number, (value, duplicates) in enumerate(yaml_body.decode_all(data, _MAX_DEPTH), 1):
            place = f"{name}, document {number}"
            if duplicates:
                raise Failure(f"{place}: {duplicates[0]} is given twice")
            if value is not None:
                yield from _objects(place, value)
    except BadRequest as error:
        raise Failure(f"{name}: {error.message}") from None


def _objects(place: str, value: object) -> Iterator[Document]:
    """The object itself, or a List's items."""
    if not isinstance(value, dict) or not isinstance(value.get("metadata", {}), dict):
        raise Failure(f"{place}: that is no Kubernetes object")
    for field in ("apiVersion", "kind"):
        if not value.get(field) or not isinstance(value[field], str):
            raise Failure(f"{place}: Object '{field}' is missing")
    items = value.get("items")
    if value["kind"].endswith("List") and isinstance(items, list):
        for number, item in enumerate(items, 1):
            yield from _objects(f"{place}, item {number}", item)
    else:
        yield Document(place, value)


def _sources(file: str) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file that `file` stands for."""
    if file == "-":
        yield "stdin", sys.stdin.buffer.read()
    elif file.startswith(("http://", "https://")):
        yield file, _download(file)
    else:
        yield from _from_disk(Path(file))


def _from_disk(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        files = sorted(f for f in path.iterdir() if f.suffix in _SUFFIXES) if path.is_dir() else [path]
        for file in files:
            yield str(file), file.read_bytes()
    except FileNotFoundError:
        raise Failure(f'the path "{path}" does not exist') from None
    except OSError as error:
        raise Failure(f"{path} cannot be read ({error.strerror})") from None


def _download(url: str) -> bytes:
    import requests

    try:
        answer = requests.get(url, timeout=_URL_TIMEOUT)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise Failure(f"{url} cannot be read ({error})") from None
    return answer.content
