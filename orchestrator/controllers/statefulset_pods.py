"""The identity of a StatefulSet's pods: a number each, from which come name, host name, labels and claims. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from orchestrator.api.meta import Object, labels, metadata, name, namespace, owner_reference, spec
from orchestrator.controllers.replicaset_plan import new_pod, replicas
from orchestrator.controllers.revision_plan import POD_REVISION, template_of

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"


def start_ordinal(sts: Object) -> int:
    return int((spec(sts).get("ordinals") or {}).get("start") or 0)


def ordinals(sts: Object) -> range:
    return range(start_ordinal(sts), start_ordinal(sts) + replicas(sts))


def ordinal_of(sts: Object, pod: Object) -> int | None:
    """None for a pod whose name is none that the StatefulSet gives: `web-1` is, `web-01` is not."""
    text = name(pod).removeprefix(f"{name(sts)}-")
    return int(text) if text.isascii() and text.isdigit() and name(pod) == pod_name(sts, int(text)) else None


def pod_name(sts: Object, ordinal: int) -> str:
    return f"{name(sts)}-{ordinal}"


def belongs(sts: Object, pod: Object) -> bool:
    """By its name alone; whether the labels match is the selector's business."""
    return ordinal_of(sts, pod) is not None


def stateful_pod(sts: Object, ordinal: int, revision: Object) -> Object:
    """The pod number `ordinal`, from the template of `revision`."""
    pod = new_pod(sts, template_of(revision))
    pod["metadata"]["name"] = pod_name(sts, ordinal)
    identified = with_identity(sts, pod)
    own = identified["spec"]
    own["hostname"] = name(pod)
    if service := spec(sts).get("serviceName"):
        own["subdomain"] = service
    identified["metadata"]["labels"][POD_REVISION] = name(revision)
    if volumes := _volumes(sts, ordinal, own.get("volumes") or []):
        own["volumes"] = volumes
    return identified


def with_identity(sts: Object, pod: Object) -> Object:
    """The pod with the labels that say which one it is, which users may have changed."""
    ordinal = ordinal_of(sts, pod)
    wanted = deepcopy(pod)
    metadata(wanted)["labels"] = {**labels(pod), POD_NAME: name(pod), POD_INDEX: str(ordinal)}
    return wanted


def _volumes(sts: Object, ordinal: int, own: list[Object]) -> list[Object]:
    """Each claim is mounted as the volume of its template's name, in place of one that the template may have."""
    claimed = [
        {"name": template, "persistentVolumeClaim": {"claimName": _claim_name(sts, template, ordinal)}}
        for template in map(name, _templates(sts))
    ]
    taken = {volume["name"] for volume in claimed}
    return claimed + [volume for volume in own if volume.get("name") not in taken]


def _templates(sts: Object) -> list[Object]:
    return spec(sts).get("volumeClaimTemplates") or []


def _claim_name(sts: Object, template: str, ordinal: int) -> str:
    return f"{template}-{pod_name(sts, ordinal)}"


def claim_names(sts: Object, ordinal: int) -> list[str]:
    return [_claim_name(sts, name(template), ordinal) for template in _templates(sts)]


def claims(sts: Object, ordinal: int) -> Iterator[Object]:
    """The PersistentVolumeClaims of a pod, as they are to be created."""
    for template in _templates(sts):
        claim = deepcopy(template)
        claim.pop("status", None)
        claim["metadata"] |= {
            "name": _claim_name(sts, name(template), ordinal),
            "namespace": namespace(sts),
            "labels": {**labels(template), **(spec(sts).get("selector") or {}).get("matchLabels", {})},
        }
        if retention(sts, "whenDeleted") == "Delete":
            claim["metadata"]["ownerReferences"] = [owner_reference(sts)]
        yield claim


def retention(sts: Object, when: str) -> str:
    """`Retain` or `Delete`; `when` is `whenDeleted` or `whenScaled`."""
    return str((spec(sts).get("persistentVolumeClaimRetentionPolicy") or {}).get(when) or "Retain")
