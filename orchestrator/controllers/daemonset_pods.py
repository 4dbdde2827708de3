"""The pods of a DaemonSet: tied to a node each, and ready to bear what befalls it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from orchestrator.api.meta import Object, labels, spec
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.strategies.daemonset import TEMPLATE_GENERATION
from orchestrator.api.taints import NO_EXECUTE, NO_SCHEDULE, NOT_READY, UNREACHABLE, UNSCHEDULABLE
from orchestrator.controllers.replicaset_plan import new_pod
from orchestrator.controllers.revision_plan import POD_REVISION

GENERATION_LABEL = "pod-template-generation"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_TOLERATED = (
    (NOT_READY, NO_EXECUTE),
    (UNREACHABLE, NO_EXECUTE),
    ("node.kubernetes.io/disk-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/memory-pressure", NO_SCHEDULE),
    ("node.kubernetes.io/pid-pressure", NO_SCHEDULE),
    (UNSCHEDULABLE, NO_SCHEDULE),
)
#: For pods in their node's own network, which start before there is any other.
_NETWORK = ("node.kubernetes.io/network-unavailable", NO_SCHEDULE)


def tolerant_template(ds: Object) -> Object:
    """The template with the tolerations that every daemon pod gets."""
    template = deepcopy(spec(ds).get("template") or {})
    own = template.setdefault("spec", {})
    wanted = [*_TOLERATED, *([_NETWORK] if own.get("hostNetwork") else [])]
    extra = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in wanted]
    given = own.get("tolerations") or []
    own["tolerations"] = [*given, *(toleration for toleration in extra if toleration not in given)]
    return template


def daemon_pod(ds: Object, node: str, hashed: str) -> Object:
    """The pod for `node`, of the revision with hash `hashed`."""
    pod = new_pod(ds, tolerant_template(ds))
    marks = {POD_REVISION: hashed}
    if generation := annotations_of(ds).get(TEMPLATE_GENERATION):
        marks[GENERATION_LABEL] = generation
    pod["metadata"]["labels"] = {**labels(pod), **marks}
    # Whatever the template requires of nodes was judged when this one was chosen.
    affinity = pod["spec"].setdefault("affinity", {})
    affinity.setdefault("nodeAffinity", {})[_REQUIRED] = {
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]
    }
    return pod


def target_node(pod: Object) -> str:
    """The node that a pod is on or meant for; "" for one that does not say."""
    bound = spec(pod).get("nodeName")
    return str(bound) if bound else next(iter(_named(pod)), "")


def _named(pod: Object) -> Iterable[str]:
    affinity = (spec(pod).get("affinity") or {}).get("nodeAffinity") or {}
    for term in (affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if field.get("key") == "metadata.name" and field.get("operator") == "In":
                yield from (field.get("values") or ())[:1]


def by_seniority(pods: Iterable[Object]) -> list[Object]:
    """Those on their node first, then the oldest."""

    def seniority(pod: Object) -> tuple[bool, str, str]:
        meta = pod["metadata"]
        return not spec(pod).get("nodeName"), meta.get("creationTimestamp") or "", meta.get("name") or ""

    return sorted(pods, key=seniority)
