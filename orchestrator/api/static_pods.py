"""Static pods: a node's agent runs them from files, and shows each in the API as a mirror pod. Pure.

The annotations are Kubernetes' (`pkg/kubelet/types`).
"""

from __future__ import annotations

from orchestrator.api.checks import Errors
from orchestrator.api.errors import invalid
from orchestrator.api.meta import Object
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.pod_references import references
from orchestrator.api.pods import MIRROR, SOURCE

#: On both: the static pod's uid; when it was read.
HASH = "kubernetes.io/config.hash"
SEEN = "kubernetes.io/config.seen"


def mirrored(pod: Object) -> str:
    """The uid of the static pod that this one mirrors, "" for any other pod."""
    return annotations_of(pod).get(MIRROR, "")


def is_static(pod: Object) -> bool:
    """Whether this is a static pod itself, as its agent knows it."""
    return annotations_of(pod).get(SOURCE) == "file" and not mirrored(pod)


def refused_references(pod: Object) -> list[str]:
    """What of the API a static pod refers to, which it may not: it must run without the API."""
    return sorted(f"{plural} {name}" for plural, name in references(pod))


def mirror_rules(new: Object, old: Object) -> Errors:
    """The rules that a change breaks: what a pod mirrors stays as it is."""
    wanted, current = annotations_of(new).get(MIRROR), annotations_of(old).get(MIRROR)
    if wanted != current:
        yield invalid(f"metadata.annotations[{MIRROR}]", wanted or "", "may not be set, changed or removed")
