"""DefaultStorageClass and DefaultIngressClass: who names no class gets the one that is marked as default."""

from __future__ import annotations

from orchestrator.api import meta
from orchestrator.api.groups.core import PERSISTENT_VOLUME_CLAIM
from orchestrator.api.groups.networking import INGRESS, INGRESS_CLASS
from orchestrator.api.groups.storage import STORAGE_CLASS
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.strategies import ingress, storage, storageclass
from orchestrator.server.admission.base import Attributes, Plugin, View


class DefaultClass(Plugin):
    """New objects of `kind` get a class by `field` of their spec, unless an older `annotation` names one.

    The classes are those of `classes`; the annotation `mark` is "true" on a default one.
    """

    def __init__(self, view: View, kind: Kind, field: str, annotation: str, classes: Kind, mark: str) -> None:
        self._view, self._kind, self._classes = view, kind, classes
        self._field, self._annotation, self._mark = field, annotation, mark

    def admit(self, attributes: Attributes) -> None:
        if attributes.kind is not self._kind or attributes.operation != "CREATE" or attributes.new is None:
            return
        spec = attributes.new.setdefault("spec", {})
        # A class that is given as "" means none.
        given = spec.get(self._field) is not None or self._annotation in meta.annotations(attributes.new)
        if not given and (found := self._default()):
            spec[self._field] = meta.name(found)

    def _default(self) -> Object | None:
        """Of several the newest, of those the first by name."""
        marked = [each for each in self._view.all(self._classes) if meta.annotations(each).get(self._mark) == "true"]
        marked.sort(key=meta.name)
        return max(marked, key=lambda each: str(each["metadata"].get("creationTimestamp")), default=None)


def default_storage_class(view: View) -> DefaultClass:
    return DefaultClass(
        view,
        PERSISTENT_VOLUME_CLAIM,
        "storageClassName",
        storage.CLASS_ANNOTATION,
        STORAGE_CLASS,
        storageclass.DEFAULT_CLASS,
    )


def default_ingress_class(view: View) -> DefaultClass:
    return DefaultClass(
        view, INGRESS, "ingressClassName", ingress.CLASS_ANNOTATION, INGRESS_CLASS, ingress.DEFAULT_CLASS
    )
