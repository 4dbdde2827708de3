"""The tables of all kinds but Pod: heads, and rows."""

from __future__ import annotations

import pytest

from orchestrator.api.builtin import BUILTIN
from orchestrator.api.groups.apiextensions import CUSTOM_RESOURCE_DEFINITION
from orchestrator.api.groups.apps import CONTROLLER_REVISION, DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET
from orchestrator.api.groups.autoscaling import HORIZONTAL_POD_AUTOSCALER, HORIZONTAL_POD_AUTOSCALER_V1
from orchestrator.api.groups.batch import CRON_JOB, JOB
from orchestrator.api.groups.certificates import CERTIFICATE_SIGNING_REQUEST
from orchestrator.api.groups.coordination import LEASE
from orchestrator.api.groups.core import (
    CONFIG_MAP,
    ENDPOINTS,
    EVENT,
    LIMIT_RANGE,
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_TEMPLATE,
    REPLICATION_CONTROLLER,
    RESOURCE_QUOTA,
    SECRET,
    SERVICE,
    SERVICE_ACCOUNT,
)
from orchestrator.api.groups.discovery import ENDPOINT_SLICE
from orchestrator.api.groups.events import NEW_EVENT
from orchestrator.api.groups.networking import INGRESS, INGRESS_CLASS, NETWORK_POLICY
from orchestrator.api.groups.node import RUNTIME_CLASS
from orchestrator.api.groups.policy import POD_DISRUPTION_BUDGET
from orchestrator.api.groups.rbac import CLUSTER_ROLE, CLUSTER_ROLE_BINDING, ROLE, ROLE_BINDING
from orchestrator.api.groups.scheduling import PRIORITY_CLASS
from orchestrator.api.groups.storage import (
    CSI_DRIVER,
    CSI_NODE,
    CSI_STORAGE_CAPACITY,
    STORAGE_CLASS,
    VOLUME_ATTACHMENT,
)
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.strategies.base import Cell
from tests.unit.orchestrator.api.strategies.rows import CREATED, headers, row

HEADS = {
    NAMESPACE: "NAME STATUS AGE",
    NODE: "NAME STATUS ROLES AGE VERSION",
    POD: "NAME READY STATUS RESTARTS AGE",
    SERVICE: "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE",
    ENDPOINTS: "NAME ENDPOINTS AGE",
    ENDPOINT_SLICE: "NAME ADDRESSTYPE PORTS ENDPOINTS AGE",
    CONFIG_MAP: "NAME DATA AGE",
    SECRET: "NAME TYPE DATA AGE",
    SERVICE_ACCOUNT: "NAME SECRETS AGE",
    EVENT: "LAST SEEN TYPE REASON OBJECT MESSAGE",
    NEW_EVENT: "LAST SEEN TYPE REASON OBJECT MESSAGE",
    LEASE: "NAME HOLDER AGE",
    CERTIFICATE_SIGNING_REQUEST: "NAME AGE SIGNERNAME REQUESTOR REQUESTEDDURATION CONDITION",
    REPLICA_SET: "NAME DESIRED CURRENT READY AGE",
    DEPLOYMENT: "NAME READY UP-TO-DATE AVAILABLE AGE",
    STATEFUL_SET: "NAME READY AGE",
    DAEMON_SET: "NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE",
    CONTROLLER_REVISION: "NAME CONTROLLER REVISION AGE",
    POD_TEMPLATE: "NAME CONTAINERS IMAGES POD LABELS",
    REPLICATION_CONTROLLER: "NAME DESIRED CURRENT READY AGE",
    JOB: "NAME STATUS COMPLETIONS DURATION AGE",
    CRON_JOB: "NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST SCHEDULE AGE",
    POD_DISRUPTION_BUDGET: "NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE",
    ROLE: "NAME CREATED AT",
    CLUSTER_ROLE: "NAME CREATED AT",
    ROLE_BINDING: "NAME ROLE AGE",
    CLUSTER_ROLE_BINDING: "NAME ROLE AGE",
    PERSISTENT_VOLUME: "NAME CAPACITY ACCESS MODES RECLAIM POLICY STATUS CLAIM STORAGECLASS VOLUMEATTRIBUTESCLASS "
    "REASON AGE",
    PERSISTENT_VOLUME_CLAIM: "NAME STATUS VOLUME CAPACITY ACCESS MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE",
    RESOURCE_QUOTA: "NAME REQUEST LIMIT AGE",
    LIMIT_RANGE: "NAME CREATED AT",
    INGRESS: "NAME CLASS HOSTS ADDRESS PORTS AGE",
    INGRESS_CLASS: "NAME CONTROLLER PARAMETERS AGE",
    NETWORK_POLICY: "NAME POD-SELECTOR AGE",
    RUNTIME_CLASS: "NAME HANDLER AGE",
    PRIORITY_CLASS: "NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY",
    STORAGE_CLASS: "NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE",
    VOLUME_ATTACHMENT: "NAME ATTACHER PV NODE ATTACHED AGE",
    CSI_DRIVER: "NAME ATTACHREQUIRED PODINFOONMOUNT STORAGECAPACITY TOKENREQUESTS REQUIRESREPUBLISH MODES AGE",
    CSI_NODE: "NAME DRIVERS AGE",
    CSI_STORAGE_CAPACITY: "NAME STORAGECLASSNAME CAPACITY",
    HORIZONTAL_POD_AUTOSCALER: "NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE",
    HORIZONTAL_POD_AUTOSCALER_V1: "NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE",
    CUSTOM_RESOURCE_DEFINITION: "NAME CREATED AT",
}
WIDE_HEADS = {
    NODE: f"{HEADS[NODE]} INTERNAL-IP EXTERNAL-IP OS-IMAGE KERNEL-VERSION CONTAINER-RUNTIME",
    POD: f"{HEADS[POD]} IP NODE NOMINATED NODE READINESS GATES",
    SERVICE: f"{HEADS[SERVICE]} SELECTOR",
    EVENT: "LAST SEEN TYPE REASON OBJECT SUBOBJECT SOURCE MESSAGE FIRST SEEN COUNT NAME",
    NEW_EVENT: "LAST SEEN TYPE REASON OBJECT SUBOBJECT SOURCE MESSAGE FIRST SEEN COUNT NAME",
    REPLICA_SET: f"{HEADS[REPLICA_SET]} CONTAINERS IMAGES SELECTOR",
    DEPLOYMENT: f"{HEADS[DEPLOYMENT]} CONTAINERS IMAGES SELECTOR",
    STATEFUL_SET: f"{HEADS[STATEFUL_SET]} CONTAINERS IMAGES",
    DAEMON_SET: f"{HEADS[DAEMON_SET]} CONTAINERS IMAGES SELECTOR",
    REPLICATION_CONTROLLER: f"{HEADS[REPLICATION_CONTROLLER]} CONTAINERS IMAGES SELECTOR",
    JOB: f"{HEADS[JOB]} CONTAINERS IMAGES SELECTOR",
    CRON_JOB: f"{HEADS[CRON_JOB]} CONTAINERS IMAGES SELECTOR",
    ROLE_BINDING: "NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS",
    CLUSTER_ROLE_BINDING: "NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS",
    PERSISTENT_VOLUME: f"{HEADS[PERSISTENT_VOLUME]} VOLUMEMODE",
    PERSISTENT_VOLUME_CLAIM: f"{HEADS[PERSISTENT_VOLUME_CLAIM]} VOLUMEMODE",
}

TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}]}}
SELECTOR = {
    "matchLabels": {"b": "2", "a": "1"},
    "matchExpressions": [
        {"key": "tier", "operator": "In", "values": ["y", "x"]},
        {"key": "old", "operator": "DoesNotExist"},
    ],
}


def service(**fields: object) -> Object:
    return {"spec": {"clusterIPs": ["10.96.0.9"], "clusterIP": "10.96.0.9", "type": "ClusterIP", **fields}}


def slice_of(*addresses: str) -> Object:
    return {"addressType": "IPv4", "ports": [{"port": 80}], "endpoints": [{"addresses": [a]} for a in addresses]}


ROWS: list[tuple[Kind, Object, dict[str, Cell]]] = [
    (CONFIG_MAP, {"data": {"a": "1"}, "binaryData": {"b": "eA=="}}, {"Name": "web", "Data": 2, "Age": "5m"}),
    (SECRET, {"type": "Opaque", "data": {"a": "eA=="}}, {"Type": "Opaque", "Data": 1}),
    (SERVICE_ACCOUNT, {}, {"Secrets": 0}),
    (LEASE, {"spec": {"holderIdentity": "node-1"}}, {"Holder": "node-1"}),
    (NAMESPACE, {"status": {"phase": "Active"}}, {"Status": "Active"}),
    (
        DEPLOYMENT,
        {
            "spec": {"replicas": 3, "template": TEMPLATE, "selector": SELECTOR},
            "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1},
        },
        {
            "Ready": "2/3",
            "Up-to-date": 3,
            "Available": 1,
            "Containers": "a,b",
            "Images": "x:1,y:1",
            "Selector": "a=1,b=2,!old,tier in (x,y)",
        },
    ),
    (
        REPLICA_SET,
        {"spec": {"replicas": 3}, "status": {"replicas": 2, "readyReplicas": 1}},
        {"Desired": 3, "Current": 2, "Ready": 1, "Selector": "<none>"},
    ),
    (
        REPLICATION_CONTROLLER,
        {"spec": {"replicas": 3, "selector": {"app": "web"}}, "status": {"replicas": 2, "readyReplicas": 1}},
        {"Desired": 3, "Current": 2, "Ready": 1, "Selector": "app=web"},
    ),
    (
        POD_TEMPLATE,
        {"template": {**TEMPLATE, "metadata": {"labels": {"app": "web"}}}},
        {"Containers": "a,b", "Images": "x:1,y:1", "Pod Labels": "app=web"},
    ),
    (
        STATEFUL_SET,
        {"spec": {"replicas": 3, "template": TEMPLATE}, "status": {"readyReplicas": 2}},
        {"Ready": "2/3", "Containers": "a,b"},
    ),
    (
        DAEMON_SET,
        {
            "spec": {"template": {"spec": {"nodeSelector": {"disk": "ssd", "arch": "arm"}}}},
            "status": {
                "desiredNumberScheduled": 5,
                "currentNumberScheduled": 4,
                "numberReady": 3,
                "updatedNumberScheduled": 2,
                "numberAvailable": 1,
            },
        },
        {
            "Desired": 5,
            "Current": 4,
            "Ready": 3,
            "Up-to-date": 2,
            "Available": 1,
            "Node Selector": "arch=arm,disk=ssd",
        },
    ),
    (
        CONTROLLER_REVISION,
        {
            "metadata": {
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "controller": True}]
            },
            "revision": 4,
        },
        {"Controller": "statefulset.apps/web", "Revision": "4"},
    ),
    (CONTROLLER_REVISION, {}, {"Controller": "<none>", "Revision": "0"}),
    (JOB, {"spec": {"completions": 5}, "status": {"succeeded": 2}}, {"Status": "Running", "Completions": "2/5"}),
    (JOB, {"spec": {"parallelism": 3}}, {"Completions": "0/1 of 3", "Duration": ""}),
    (JOB, {"spec": {"parallelism": 1}, "status": {"startTime": CREATED}}, {"Completions": "0/1", "Duration": "5m"}),
    (
        JOB,
        {
            "spec": {"completions": 1},
            "status": {
                "succeeded": 1,
                "startTime": CREATED,
                "completionTime": "2026-01-31T10:00:07Z",
                "conditions": [{"type": "Complete", "status": "True"}],
            },
        },
        {"Status": "Complete", "Completions": "1/1", "Duration": "7s"},
    ),
    (JOB, {"status": {"conditions": [{"type": "Suspended", "status": "True"}]}}, {"Status": "Suspended"}),
    (
        JOB,
        {
            "metadata": {"deletionTimestamp": CREATED},
            "status": {"conditions": [{"type": "Suspended", "status": "True"}]},
        },
        {"Status": "Terminating"},
    ),
    (
        CRON_JOB,
        {"spec": {"schedule": "@daily", "suspend": True, "jobTemplate": {"spec": {"template": TEMPLATE}}}},
        {
            "Schedule": "@daily",
            "Timezone": "<none>",
            "Suspend": "True",
            "Active": 0,
            "Last Schedule": "<none>",
            "Images": "x:1,y:1",
            "Selector": "<none>",
        },
    ),
    (
        CRON_JOB,
        {
            "spec": {"timeZone": "Etc/UTC"},
            "status": {"active": [{}], "lastScheduleTime": "2026-01-31T10:04:00Z"},
        },
        {"Timezone": "Etc/UTC", "Suspend": "False", "Active": 1, "Last Schedule": "60s"},
    ),
    (
        POD_DISRUPTION_BUDGET,
        {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 2}},
        {"Min Available": "50%", "Max Unavailable": "N/A", "Allowed Disruptions": 2},
    ),
    (
        POD_DISRUPTION_BUDGET,
        {"spec": {"maxUnavailable": 0}},
        {"Min Available": "N/A", "Max Unavailable": "0", "Allowed Disruptions": 0},
    ),
    (
        SERVICE,
        service(ports=[{"port": 80, "protocol": "TCP"}, {"port": 53, "nodePort": 30053, "protocol": "UDP"}]),
        {
            "Type": "ClusterIP",
            "Cluster-IP": "10.96.0.9",
            "External-IP": "<none>",
            "Port(s)": "80/TCP,53:30053/UDP",
            "Selector": "<none>",
        },
    ),
    (SERVICE, service(selector={"b": "2", "a": "1"}), {"Port(s)": "<none>", "Selector": "a=1,b=2"}),
    (SERVICE, service(externalIPs=["1.2.3.4"]), {"External-IP": "1.2.3.4"}),
    (SERVICE, service(type="LoadBalancer"), {"External-IP": "<pending>"}),
    (
        SERVICE,
        {**service(type="LoadBalancer"), "status": {"loadBalancer": {"ingress": [{"ip": "10.97.0.1"}]}}},
        {"External-IP": "10.97.0.1"},
    ),
    (
        SERVICE,
        {"spec": {"type": "ExternalName", "externalName": "example.com"}},
        {"Cluster-IP": "<none>", "External-IP": "example.com"},
    ),
    (
        NODE,
        {
            "metadata": {"labels": {"node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/edge": ""}},
            "spec": {"unschedulable": True},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "nodeInfo": {"kubeletVersion": "v1.33.0", "osImage": "Debian"},
                "addresses": [{"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "10.0.0.1"}],
            },
        },
        {
            "Status": "Ready,SchedulingDisabled",
            "Roles": "edge,worker",
            "Version": "v1.33.0",
            "Internal-IP": "10.0.0.1",
            "External-IP": "<none>",
            "OS-Image": "Debian",
            "Kernel-Version": "<unknown>",
        },
    ),
    (NODE, {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}, {"Status": "NotReady"}),
    (NODE, {}, {"Status": "Unknown", "Roles": "<none>"}),
    (ENDPOINTS, {}, {"Endpoints": "<none>"}),
    (
        ENDPOINTS,
        {"subsets": [{"addresses": [{"ip": "1.1.1.1"}, {"ip": "::1"}], "ports": [{"port": 80}]}]},
        {"Endpoints": "1.1.1.1:80,[::1]:80"},
    ),
    (ENDPOINTS, {"subsets": [{"addresses": [{"ip": "::1"}]}]}, {"Endpoints": "::1"}),
    (
        ENDPOINTS,
        {"subsets": [{"addresses": [{"ip": f"1.1.1.{n}"} for n in range(5)], "ports": [{"port": 80}]}]},
        {"Endpoints": "1.1.1.0:80,1.1.1.1:80,1.1.1.2:80 + 2 more..."},
    ),
    (ENDPOINT_SLICE, slice_of(), {"AddressType": "IPv4", "Ports": "80", "Endpoints": "<unset>"}),
    (ENDPOINT_SLICE, slice_of("a", "b", "c", "d"), {"Endpoints": "a,b,c + 1 more..."}),
    (ENDPOINT_SLICE, {"ports": [{"name": ""}]}, {"Ports": "*"}),
    (
        EVENT,
        {
            "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": "spec.containers{web}"},
            "type": "Warning",
            "reason": "BackOff",
            "message": "Back-off\n",
            "source": {"component": "kubelet", "host": "node-1"},
            "firstTimestamp": "2026-01-31T10:00:00Z",
            "lastTimestamp": "2026-01-31T10:04:50Z",
            "count": 4,
        },
        {
            "Last Seen": "10s",
            "Type": "Warning",
            "Reason": "BackOff",
            "Object": "pod/web",
            "Subobject": "spec.containers{web}",
            "Source": "kubelet, node-1",
            "Message": "Back-off",
            "First Seen": "5m",
            "Count": 4,
            "Name": "web",
        },
    ),
    (
        EVENT,
        {
            "involvedObject": {"kind": "Pod"},
            "eventTime": "2026-01-31T10:04:00.000000Z",
            "series": {"count": 7, "lastObservedTime": "2026-01-31T10:04:55.000000Z"},
            "reportingComponent": "scheduler",
        },
        {"Last Seen": "5s", "First Seen": "60s", "Count": 7, "Source": "scheduler", "Object": "pod"},
    ),
    (
        ROLE_BINDING,
        {
            "roleRef": {"kind": "Role", "name": "reader"},
            "subjects": [
                {"kind": "User", "name": "jane"},
                {"kind": "User", "name": "joe"},
                {"kind": "Group", "name": "dev"},
                {"kind": "ServiceAccount", "name": "ci", "namespace": "shop"},
            ],
        },
        {"Role": "Role/reader", "Users": "jane, joe", "Groups": "dev", "ServiceAccounts": "shop/ci"},
    ),
    (EVENT, {}, {"Last Seen": "<unknown>", "First Seen": "<unknown>", "Count": 1}),
    (
        PERSISTENT_VOLUME,
        {
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": "shop", "name": "data"},
                "storageClassName": "slow",
            },
            "status": {"phase": "Bound"},
        },
        {
            "Capacity": "1Gi",
            "Access Modes": "RWO,RWX",
            "Reclaim Policy": "Retain",
            "Status": "Bound",
            "Claim": "shop/data",
            "StorageClass": "slow",
            "VolumeMode": "<unset>",
        },
    ),
    (
        PERSISTENT_VOLUME_CLAIM,
        {"spec": {"accessModes": ["ReadWriteOnce"]}, "status": {"phase": "Pending"}},
        {"Status": "Pending", "Volume": "", "Capacity": "", "Access Modes": "", "StorageClass": ""},
    ),
    (
        PERSISTENT_VOLUME_CLAIM,
        {
            "spec": {"volumeName": "pv1", "volumeMode": "Filesystem"},
            "status": {"phase": "Bound", "capacity": {"storage": "2Gi"}, "accessModes": ["ReadOnlyMany"]},
        },
        {"Volume": "pv1", "Capacity": "2Gi", "Access Modes": "ROX", "VolumeMode": "Filesystem"},
    ),
    (
        RESOURCE_QUOTA,
        {"status": {"hard": {"pods": "5", "limits.cpu": "2", "requests.cpu": "1"}, "used": {"pods": "3"}}},
        {"Request": "pods: 3/5, requests.cpu: 0/1", "Limit": "limits.cpu: 0/2"},
    ),
    (INGRESS, {"spec": {}}, {"Class": "<none>", "Hosts": "*", "Address": "", "Ports": "80"}),
    (
        INGRESS,
        {
            "spec": {"ingressClassName": "nginx", "rules": [{"host": "a.b"}, {"host": "c.d"}], "tls": [{}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},
        },
        {"Class": "nginx", "Hosts": "a.b,c.d", "Address": "10.0.0.1", "Ports": "80, 443"},
    ),
    (
        INGRESS_CLASS,
        {"spec": {"controller": "a/b", "parameters": {"apiGroup": "x.io", "kind": "Config", "name": "c"}}},
        {"Controller": "a/b", "Parameters": "Config.x.io/c"},
    ),
    (NETWORK_POLICY, {"spec": {"podSelector": {}}}, {"Pod-Selector": "<none>"}),
    (NETWORK_POLICY, {"spec": {"podSelector": {"matchLabels": {"app": "web"}}}}, {"Pod-Selector": "app=web"}),
    (
        STORAGE_CLASS,
        {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}, "provisioner": "x"},
        {"Name": "web (default)", "Provisioner": "x", "AllowVolumeExpansion": False},
    ),
    (PRIORITY_CLASS, {"value": 7, "preemptionPolicy": "Never"}, {"Value": 7, "PreemptionPolicy": "Never"}),
    (
        CSI_DRIVER,
        {"spec": {"attachRequired": False, "volumeLifecycleModes": ["Persistent", "Ephemeral"]}},
        {"AttachRequired": False, "TokenRequests": "<unset>", "Modes": "Persistent,Ephemeral"},
    ),
]


@pytest.mark.parametrize("kind", [kind for kind in BUILTIN if kind.stored], ids=repr)
def test_heads(kind: Kind) -> None:
    assert headers(kind) == HEADS[kind]
    assert headers(kind, wide=True) == WIDE_HEADS.get(kind, HEADS[kind])


@pytest.mark.parametrize(("kind", "obj", "expected"), ROWS)
def test_rows(kind: Kind, obj: Object, expected: dict[str, Cell]) -> None:
    cells = row(kind, obj)
    assert {name: cells[name] for name in expected} == expected
