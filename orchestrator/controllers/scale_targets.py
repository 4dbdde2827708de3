"""The kinds that a reference (`scaleTargetRef`) may be to, custom ones as they come and go."""

from __future__ import annotations

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.errors import NotFound
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, group_of
from orchestrator.client.informer import Informer


class ScaleTargets:
    """Found by group and kind: of which version a reference speaks does not matter. `begun` and `ended` are for
    `Controller.follow_custom`."""

    def __init__(self) -> None:
        self._kinds = {(kind.group, kind.kind): kind for kind in BUILTIN.stored() if kind.namespaced}

    def begun(self, informer: Informer) -> None:
        kind = informer.kind
        if kind.namespaced:
            self._kinds[kind.group, kind.kind] = kind

    def ended(self, informer: Informer) -> None:
        kind = informer.kind
        if self._kinds.get((kind.group, kind.kind)) is kind:
            del self._kinds[kind.group, kind.kind]

    def kind_of(self, reference: Object) -> Kind:
        """Raises NotFound. Whether the kind has a scale is for the server to say."""
        group, kind = group_of(str(reference.get("apiVersion") or "")), str(reference["kind"])
        found = self._kinds.get((group, kind))
        if found is None:
            raise NotFound(f'no matches for kind "{kind}" in group "{group}"')
        return found
