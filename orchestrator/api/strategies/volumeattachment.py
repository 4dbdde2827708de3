"""VolumeAttachment.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/storage/validation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import names
from orchestrator.api.checks import Errors, named, obeys, unchanged
from orchestrator.api.errors import FieldError, forbidden, required
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created
from orchestrator.api.strategies.persistentvolume_rules import inline

_EXACTLY_ONE = "must specify exactly one of inlineVolumeSpec and persistentVolumeName"


class VolumeAttachmentStrategy(Strategy):
    columns = (
        NAME,
        Column("Attacher", format="name"),
        Column("PV"),
        Column("Node"),
        Column("Attached", "boolean"),
        AGE,
    )
    returns_deleted = True

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"attached": False}

    def validate(self, obj: Object) -> list[FieldError]:
        return [
            *named("spec.attacher", spec(obj).get("attacher"), names.dns_subdomain),
            *_source(spec(obj).get("source") or {}, "spec.source"),
            *obeys("spec.nodeName", spec(obj).get("nodeName") or "", names.dns_subdomain),
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(unchanged("spec", new.get("spec"), old.get("spec")))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (
            name(obj),
            spec(obj).get("attacher") or "",
            (spec(obj).get("source") or {}).get("persistentVolumeName") or "",
            spec(obj).get("nodeName") or "",
            bool(status(obj).get("attached")),
            created(obj, now),
        )


def _source(source: Object, field: str) -> Errors:
    volume, inlined = source.get("persistentVolumeName"), source.get("inlineVolumeSpec")
    if volume is None and inlined is None:
        yield required(field, _EXACTLY_ONE)
    elif volume is not None and inlined is not None:
        yield forbidden(field, _EXACTLY_ONE)
    elif inlined is not None:
        yield from inline(inlined, f"{field}.inlineVolumeSpec")
    else:
        yield from named(f"{field}.persistentVolumeName", volume, names.dns_subdomain)
