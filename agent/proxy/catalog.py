"""What is published in the cluster: the Services, each with its EndpointSlices. The proxy's table and the DNS zone are
both made of it. A copy on disk lets a proxy that starts while the API server is down go on with what was last known.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from agent.proxy.table import service_of
from orchestrator.api.meta import Key, Object, key

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Published:
    """A Service with its EndpointSlices. The objects are shared with the informers' caches: never change them."""

    service: Object
    slices: Sequence[Object]


Catalog = dict[Key, Published]


def catalog(services: Iterable[Object], slices: Iterable[Object]) -> Catalog:
    by_service: dict[Key, list[Object]] = {}
    for endpoint_slice in slices:
        by_service.setdefault(service_of(endpoint_slice), []).append(endpoint_slice)
    return {key(service): Published(service, by_service.get(key(service), [])) for service in services}


def encode(entries: Catalog) -> bytes:
    """With its digest on a first line: what a disk has changed may still look like a catalog."""
    content = orjson.dumps(
        {
            "services": [_slim(entry.service) for entry in entries.values()],
            "endpointSlices": [_slim(part) for entry in entries.values() for part in entry.slices],
        }
    )
    return _digest(content) + b"\n" + content


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _slim(obj: Object) -> Object:
    """Without what only the API needs."""
    metadata = {field: obj["metadata"][field] for field in _METADATA if field in obj["metadata"]}
    return {**obj, "metadata": metadata}


_METADATA = ("name", "namespace", "uid", "labels")


def load(file: Path) -> Catalog:
    """What was saved in `file`; empty when there is nothing, or nothing that can be used (then that is logged)."""
    try:
        digest, _, content = file.read_bytes().partition(b"\n")
        if digest != _digest(content):
            raise ValueError("it is damaged")
        found = orjson.loads(content)
        return catalog(found["services"], found["endpointSlices"])
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s cannot be used (%s): services work once the API server answers", file, error)
        return {}
