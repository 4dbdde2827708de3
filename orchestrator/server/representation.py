"""Results in the form that a client asks for: the objects themselves, their metadata, or a table."""

from __future__ import annotations

import orjson

from orchestrator.api.errors import NotAcceptable
from orchestrator.api.meta import Object
from orchestrator.api.request import Request
from orchestrator.server import table
from orchestrator.server.answers import Answer, Encode, json_answer, object_answer
from orchestrator.server.negotiation import YAML, Wanted, negotiate
from orchestrator.server.results import Frame, Listing, Result
from orchestrator.server.scale import SCALE
from orchestrator.util.clock import Clock

_META = "meta.k8s.io"
_PARTIAL, _PARTIALS = "PartialObjectMetadata", "PartialObjectMetadataList"
_VERSIONS = ("v1", "v1beta1")
_TRANSFORMS = frozenset({(name, version, _META) for name in ("Table", _PARTIAL, _PARTIALS) for version in _VERSIONS})


def wanted(accept: str) -> Wanted:
    """Raises NotAcceptable."""
    return negotiate(accept, _TRANSFORMS)


class Representation:
    """Ages in tables are as of `clock`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def answer(self, result: Result, call: Request, form: Wanted) -> Answer:
        """As stored, the bytes go out untouched."""
        if isinstance(result, Listing):
            if form.transform or form.media_type == YAML:
                return object_answer(self._listing(result, call, form), form)
            return json_answer(b"".join(result.chunks()))
        if form.transform or form.media_type == YAML:
            return object_answer(self._single(result.object(), call, form), form, result.code, result.warnings)
        return json_answer(result.data, result.code, result.warnings)

    def encoder(self, call: Request, form: Wanted) -> Encode:
        """For the events of one watch. The first table of a watch has the columns' headers."""
        if not form.transform:
            return lambda frame: frame.data
        first = True

        def encode(frame: Frame) -> bytes:
            nonlocal first
            if frame.type == "ERROR":
                return frame.data
            obj = self._single(orjson.loads(frame.data), call, form, headers=first)
            first = False
            return orjson.dumps(obj)

        return encode

    def _single(self, obj: Object, call: Request, form: Wanted, *, headers: bool = True) -> Object:
        kind = next((kind for kind in (call.kind, SCALE) if kind.kind == obj.get("kind")), None)
        if not form.transform or kind is None:
            return obj  # a Status has no table
        if form.transform == _PARTIALS:
            raise NotAcceptable(f"you requested {_PARTIALS}, but the requested object is not a list ({kind.kind})")
        if form.transform == _PARTIAL:
            return _as(form, table.partial(obj))
        include = table.include(call.options)
        return _as(form, table.table_of(kind, obj, self._clock.now(), include=include, headers=headers))

    def _listing(self, listing: Listing, call: Request, form: Wanted) -> Object:
        if not form.transform:
            return orjson.loads(b"".join(listing.chunks()))  # type: ignore[no-any-return]
        objects = (entry.object() for entry in listing.entries)
        if form.transform == _PARTIAL:
            raise NotAcceptable(f"you requested {_PARTIAL}, but the requested object is a list ({call.kind.kind}List)")
        if form.transform == _PARTIALS:
            return _as(form, table.partial_list(objects, listing.metadata()))
        include = table.include(call.options)
        made = table.table(call.kind, objects, self._clock.now(), metadata=listing.metadata(), include=include)
        return _as(form, made)


def _as(form: Wanted, obj: Object) -> Object:
    """In the version of `meta.k8s.io` that was asked for; all have the same fields."""
    return obj | {"apiVersion": f"{_META}/{form.version}"}
