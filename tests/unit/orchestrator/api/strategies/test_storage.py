"""The rules of volumes, claims, and what storage drivers say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.groups.core import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from orchestrator.api.groups.storage import (
    CSI_DRIVER,
    CSI_NODE,
    CSI_STORAGE_CAPACITY,
    STORAGE_CLASS,
    VOLUME_ATTACHMENT,
)
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from tests.unit.orchestrator.api.strategies.rows import changed, defaulted, problems, sentences

HERE = {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]}}


def volume(**spec: Any) -> Object:
    base = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/data"}}
    merged = {**base, **spec}
    return {"spec": {field: value for field, value in merged.items() if value is not None}}


def claim(**spec: Any) -> Object:
    return {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}}


def attachment(**source: Any) -> Object:
    return {"spec": {"attacher": "a.io", "nodeName": "n1", "source": source}}


RIGHT: list[tuple[Kind, Object]] = [
    (PERSISTENT_VOLUME, volume()),
    (PERSISTENT_VOLUME, volume(hostPath=None, local={"path": "/data"}, nodeAffinity=HERE)),
    (PERSISTENT_VOLUME, volume(hostPath=None, csi={"driver": "a.io", "volumeHandle": "x"}, volumeMode="Block")),
    (PERSISTENT_VOLUME_CLAIM, claim(storageClassName="")),
    (PERSISTENT_VOLUME_CLAIM, claim(dataSource={"kind": "PersistentVolumeClaim", "name": "old"})),
    (STORAGE_CLASS, {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}),
    (VOLUME_ATTACHMENT, attachment(persistentVolumeName="pv1")),
    (CSI_DRIVER, {}),
    (CSI_NODE, {"spec": {"drivers": [{"name": "a.io", "nodeID": "x", "topologyKeys": ["a/b"]}]}}),
    (CSI_STORAGE_CAPACITY, {"storageClassName": "slow", "capacity": "1Gi"}),
]
WRONG: list[tuple[Kind, Object, str]] = [
    (PERSISTENT_VOLUME, volume(hostPath=None), "spec: Required value: must specify a volume type"),
    (
        PERSISTENT_VOLUME,
        volume(nfs={"server": "a", "path": "/"}),
        "spec.nfs: Forbidden: may not specify more than 1 volum",
    ),
    (PERSISTENT_VOLUME, volume(hostPath=None, nfs={"server": "a", "path": "x"}), "must be an absolute path"),
    (
        PERSISTENT_VOLUME,
        volume(hostPath=None, local={"path": "/d"}),
        "spec.nodeAffinity: Required value: Local volume req",
    ),
    (
        PERSISTENT_VOLUME,
        volume(capacity={"storage": "0"}),
        'spec.capacity[storage]: Invalid value: "0": must be greater th',
    ),
    (PERSISTENT_VOLUME, volume(capacity=None), "spec.capacity: Required value"),
    (
        PERSISTENT_VOLUME,
        volume(accessModes=["X"]),
        'spec.accessModes: Unsupported value: "X": supported values: "ReadOn',
    ),
    (
        PERSISTENT_VOLUME,
        volume(accessModes=["ReadWriteOncePod", "ReadWriteOnce"]),
        "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
    ),
    (
        PERSISTENT_VOLUME,
        volume(hostPath={"path": "/"}, persistentVolumeReclaimPolicy="Recycle"),
        "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
    ),
    (PERSISTENT_VOLUME, volume(nodeAffinity={"required": {}}), "must have at least one node selector term"),
    (
        PERSISTENT_VOLUME_CLAIM,
        claim(accessModes=[]),
        "spec.accessModes: Required value: at least 1 access mode is requi",
    ),
    (PERSISTENT_VOLUME_CLAIM, claim(resources={}), "spec.resources[storage]: Required value"),
    (
        PERSISTENT_VOLUME_CLAIM,
        claim(storageClassName="A"),
        'spec.storageClassName: Invalid value: "A": a lowercase RFC 11',
    ),
    (
        PERSISTENT_VOLUME_CLAIM,
        claim(volumeMode="X"),
        'spec.volumeMode: Unsupported value: "X": supported values: "Block"',
    ),
    (
        PERSISTENT_VOLUME_CLAIM,
        claim(
            dataSource={"kind": "PersistentVolumeClaim", "name": "a"},
            dataSourceRef={"kind": "PersistentVolumeClaim", "name": "b"},
        ),
        "must match dataSourceRef",
    ),
    (STORAGE_CLASS, {}, "provisioner: Required value"),
    (
        STORAGE_CLASS,
        {"provisioner": "a", "reclaimPolicy": "Recycle"},
        'reclaimPolicy: Unsupported value: "Recycle": suppor',
    ),
    (
        STORAGE_CLASS,
        {"provisioner": "a", "parameters": {"": "x"}},
        'parameters: Invalid value: "": field can not be empt',
    ),
    (
        STORAGE_CLASS,
        {"provisioner": "a", "allowedTopologies": [{"matchLabelExpressions": [{"key": "a"}]}]},
        "allowedTopologies[0].matchLabelExpressions[0].values: Required value",
    ),
    (
        VOLUME_ATTACHMENT,
        attachment(),
        "spec.source: Required value: must specify exactly one of inlineVolumeSpec and per",
    ),
    (
        VOLUME_ATTACHMENT,
        attachment(inlineVolumeSpec={"accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/a"}}),
        "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes",
    ),
    (CSI_DRIVER, {"spec": {"fsGroupPolicy": "X"}}, 'spec.fsGroupPolicy: Unsupported value: "X"'),
    (
        CSI_DRIVER,
        {"spec": {"tokenRequests": [{"expirationSeconds": 1}]}},
        "may not specify a duration less than 10 min",
    ),
    (CSI_DRIVER, {"spec": {"tokenRequests": [{}, {}]}}, 'spec.tokenRequests[1].audience: Duplicate value: ""'),
    (CSI_NODE, {"spec": {"drivers": [{"name": "a.io"}]}}, "spec.drivers[0].nodeID: Required value"),
    (
        CSI_STORAGE_CAPACITY,
        {"storageClassName": "a", "capacity": "-1"},
        'capacity: Invalid value: "-1": must be greater t',
    ),
]
BOUND = {"phase": "Bound", "capacity": {"storage": "1Gi"}}
GROWN = {"requests": {"storage": "2Gi"}}
CHANGES: list[tuple[Kind, Object, Object, str]] = [
    (
        PERSISTENT_VOLUME,
        volume(hostPath={"path": "/b"}),
        volume(),
        "spec.persistentvolumesource: Forbidden: spec.persist",
    ),
    (
        PERSISTENT_VOLUME,
        volume(volumeMode="Block"),
        volume(),
        'spec.volumeMode: Invalid value: "Block": field is immutab',
    ),
    (
        PERSISTENT_VOLUME_CLAIM,
        claim(resources=GROWN),
        claim(),
        "spec: Forbidden: spec is immutable after creation except",
    ),
    (
        PERSISTENT_VOLUME_CLAIM,
        claim(volumeName="b"),
        claim(volumeName="a"),
        "spec: Forbidden: spec is immutable after cre",
    ),
    (
        PERSISTENT_VOLUME_CLAIM,
        claim() | {"status": BOUND},
        claim(resources=GROWN) | {"status": {**BOUND, "capacity": {"storage": "2Gi"}}},
        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
    ),
    (
        STORAGE_CLASS,
        {"provisioner": "b"},
        {"provisioner": "a"},
        "provisioner: Forbidden: updates to provisioner are forbid",
    ),
    (
        VOLUME_ATTACHMENT,
        attachment(persistentVolumeName="b"),
        attachment(persistentVolumeName="a"),
        "field is immutable",
    ),
    (
        CSI_DRIVER,
        {"spec": {"attachRequired": False}},
        {},
        "spec.attachRequired: Invalid value: false: field is immutable",
    ),
]


@pytest.mark.parametrize(("kind", "obj"), RIGHT)
def test_right(kind: Kind, obj: Object) -> None:
    assert problems(kind, obj) == []


@pytest.mark.parametrize(("kind", "obj", "expected"), WRONG)
def test_wrong(kind: Kind, obj: Object, expected: str) -> None:
    found = problems(kind, obj)
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(("kind", "new", "old", "expected"), CHANGES)
def test_wrong_changes(kind: Kind, new: Object, old: Object, expected: str) -> None:
    found = sentences(kind.strategy.validate_update(changed(kind, new, old), old))
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (claim(volumeName="a"), claim()),
        (claim(storageClassName="a"), claim()),
        (claim(resources=GROWN) | {"status": BOUND}, claim() | {"status": BOUND}),
    ],
)
def test_a_claim_may_be_given_a_volume_and_a_class_and_grow(new: Object, old: Object) -> None:
    kind = PERSISTENT_VOLUME_CLAIM
    assert kind.strategy.validate_update(changed(kind, new, old), old) == []


def test_defaults() -> None:
    spec = defaulted(PERSISTENT_VOLUME, volume())["spec"]
    assert (spec["persistentVolumeReclaimPolicy"], spec["volumeMode"]) == ("Retain", "Filesystem")
    assert spec["hostPath"] == {"path": "/data", "type": ""}
    source = {"kind": "PersistentVolumeClaim", "name": "old"}
    assert defaulted(PERSISTENT_VOLUME_CLAIM, claim(dataSource=source))["spec"]["dataSourceRef"] == source
    assert defaulted(PERSISTENT_VOLUME_CLAIM, claim(dataSourceRef=source))["spec"]["dataSource"] == source
    driver = defaulted(CSI_DRIVER, {"spec": {"podInfoOnMount": True}})["spec"]
    assert (driver["attachRequired"], driver["podInfoOnMount"]) == (True, True)
    assert driver["volumeLifecycleModes"] == ["Persistent"]


def test_a_new_volume_is_pending() -> None:
    obj = volume()
    PERSISTENT_VOLUME.strategy.prepare_create(obj, 0)
    assert obj["status"] == {"phase": "Pending", "lastPhaseTransitionTime": "1970-01-01T00:00:00Z"}


def test_warnings() -> None:
    old = {"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "a"}}}
    [said] = PERSISTENT_VOLUME_CLAIM.strategy.warnings({**claim(), **old})
    assert said.startswith("metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8")
    [said] = PERSISTENT_VOLUME.strategy.warnings(volume(capacity={"storage": "100m"}))
    assert said == 'spec.capacity[storage]: fractional byte value "100m" is invalid, must be an integer'
    [said] = PERSISTENT_VOLUME.strategy.warnings(volume(persistentVolumeReclaimPolicy="Recycle"))
    assert "The Recycle reclaim policy is deprecated" in said
