"""Each rule of a pod's spec: what breaks it, and the sentence."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from orchestrator.api.defaults import default_template
from orchestrator.api.groups.core import POD
from orchestrator.api.meta import Object
from orchestrator.api.podspec.resources import requirements
from orchestrator.api.podspec.spec import template


def made(container: Object | None = None, **spec: Any) -> Object:
    """A pod, defaulted, of one container with the given fields, and the other fields of the spec."""
    containers = [{"name": "web", "image": "nginx:1.27", **(container or {})}]
    pod = {"metadata": {"name": "web"}, "spec": {"containers": containers, **copy.deepcopy(spec)}}
    POD.strategy.default(pod)
    return pod


def problems(pod: Object) -> list[str]:
    errors = [*POD.strategy.validate(pod), *POD.strategy.validate_create(pod)]
    return [f"{error.field}: {error.message}" for error in errors]


def probe(**fields: Any) -> Object:
    return {"livenessProbe": {"tcpSocket": {"port": 80}, **fields}}


def source(**fields: Any) -> Object:
    return {"env": [{"name": "A", "valueFrom": fields}]}


def projected(**source: Any) -> Object:
    return {"name": "v", "projected": {"sources": [source]}}


def mount(**fields: Any) -> Object:
    return {"volumeMounts": [{"name": "v", "mountPath": "/a", **fields}]}


VOLUMES = [{"name": "v", "emptyDir": {}}]
CLAIM = {"name": "w", "persistentVolumeClaim": {"claimName": "w"}}

RIGHT: list[Object] = [
    made(),
    made({"ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 80, "protocol": "UDP"}]}),
    made({"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]}, volumes=VOLUMES),
    made({"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "1000m", "example.com/gpu": "1"}}}),
    made({"livenessProbe": {"httpGet": {"port": "http"}}}),
    made({"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}),
    made(source(fieldRef={"fieldPath": "metadata.labels['app.kubernetes.io/name']"})),
    made(source(secretKeyRef={"name": "s", "key": "tls.key"})),
    made({"env": [{"name": "a-b.c"}], "envFrom": [{"configMapRef": {"name": "c"}, "prefix": "P_"}]}),
    made({"volumeDevices": [{"name": "w", "devicePath": "/dev/x"}]}, volumes=[CLAIM]),
    made(mount(recursiveReadOnly="Enabled", readOnly=True), volumes=VOLUMES),
    made({"securityContext": {"procMount": "Unmasked"}}, hostUsers=False),
    made({"resources": {"claims": [{"name": "g"}]}}, resourceClaims=[{"name": "g", "resourceClaimName": "gpu"}]),
    made({"securityContext": {"privileged": True}}, os={"name": "linux"}),
    made(initContainers=[{"name": "i", "image": "a"}, {"name": "s", "image": "a", "restartPolicy": "Always"}]),
    made(tolerations=[{"operator": "Exists"}, {"key": "a", "value": "b", "effect": "NoSchedule"}]),
    made({"ports": [{"containerPort": 80}]}, hostNetwork=True),
    made(volumes=[{"name": "v", "hostPath": {"path": "/x", "type": "Directory"}}]),
    made(dnsPolicy="None", dnsConfig={"nameservers": ["1.1.1.1"], "searches": ["."]}),
    made({"securityContext": {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}}),
]

WRONG: list[tuple[Object, str]] = [
    (made(containers=[]), "spec.containers: Required value"),
    (made({"name": ""}), "spec.containers[0].name: Required value"),
    (made({"name": "Web"}), 'spec.containers[0].name: Invalid value: "Web": a lowercase RFC 1123 label must'),
    (made({"image": ""}), "spec.containers[0].image: Required value"),
    (made({"image": "a "}), 'spec.containers[0].image: Invalid value: "a ": must not have leading or trailing white'),
    (made(initContainers=[{"name": "web", "image": "a"}]), 'spec.initContainers[0].name: Duplicate value: "web"'),
    (
        made({"imagePullPolicy": "Sometimes"}),
        'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPrese',
    ),
    (made({"terminationMessagePolicy": "X"}), "spec.containers[0].terminationMessagePolicy: Unsupported value"),
    (made({"restartPolicy": "Always"}), "spec.containers[0].restartPolicy: Forbidden: may not be set for non-init"),
    # Ports.
    (made({"ports": [{"containerPort": 0}]}), "spec.containers[0].ports[0].containerPort: Required value"),
    (
        made({"ports": [{"containerPort": 65536}]}),
        "spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and 65535, inclusive",
    ),
    (made({"ports": [{"containerPort": 1, "protocol": "X"}]}), 'supported values: "SCTP", "TCP", "UDP"'),
    (
        made({"ports": [{"containerPort": 1, "name": "a"}, {"containerPort": 2, "name": "a"}]}),
        'spec.containers[0].ports[1].name: Duplicate value: "a"',
    ),
    (
        made({"ports": [{"containerPort": 1, "hostPort": 8}, {"containerPort": 2, "hostPort": 8}]}),
        'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//8"',
    ),
    (
        made({"ports": [{"containerPort": 1, "hostPort": 8}]}, hostNetwork=True),
        "spec.containers[0].ports[0].hostPort: Invalid value: 8: must match `containerPort` when `hostNetwork` is tr",
    ),
    # Environment.
    (made({"env": [{"name": ""}]}), "spec.containers[0].env[0].name: Required value"),
    (made({"env": [{"name": "a=b"}]}), 'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment'),
    (made(source()), 'env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`'),
    (
        made({"env": [{"name": "A", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
        "may not be specified when `value` is not empty",
    ),
    (
        made(source(fieldRef={"fieldPath": "metadata.name"}, secretKeyRef={"name": "a", "key": "b"})),
        "may not have more than one field specified at a time",
    ),
    (made(source(fieldRef={"fieldPath": "spec.x"})), 'fieldRef.fieldPath: Unsupported value: "spec.x": supported'),
    (made(source(configMapKeyRef={"name": "a", "key": ""})), "valueFrom.configMapKeyRef.key: Required value"),
    (made(source(resourceFieldRef={"resource": "limits.x"})), "resourceFieldRef.resource: Unsupported value"),
    (
        made(source(resourceFieldRef={"resource": "limits.cpu", "divisor": "3"})),
        "only divisor's values 1m and 1 are supported with the cpu resource",
    ),
    (made({"envFrom": [{}]}), "must specify one of: `configMapRef` or `secretRef`"),
    # Volumes.
    (
        made({"volumeMounts": [{"name": "x", "mountPath": "/a"}]}),
        'spec.containers[0].volumeMounts[0].name: Not found: "x"',
    ),
    (made({"volumeMounts": [{"name": "v"}]}, volumes=VOLUMES), "volumeMounts[0].mountPath: Required value"),
    (
        made({"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}]}, volumes=VOLUMES),
        'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
    ),
    (
        made({"volumeMounts": [{"name": "v", "mountPath": "/a", "subPath": "../x"}]}, volumes=VOLUMES),
        "must not contain '..'",
    ),
    (made(volumes=VOLUMES * 2), 'spec.volumes[1].name: Duplicate value: "v"'),
    (
        made(volumes=[{"name": "v", "emptyDir": {}, "secret": {"secretName": "s"}}]),
        "spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type",
    ),
    (made(volumes=[{"name": "v", "secret": {}}]), "spec.volumes[0].secret.secretName: Required value"),
    (made(volumes=[{"name": "v", "configMap": {}}]), "spec.volumes[0].configMap.name: Required value"),
    (
        made(volumes=[{"name": "v", "configMap": {"name": "c", "defaultMode": 512}}]),
        "must be a number between 0 and 0777 (octal), both inclusive",
    ),
    (
        made(volumes=[{"name": "v", "secret": {"secretName": "s", "items": [{"key": "a", "path": "/b"}]}}]),
        'spec.volumes[0].secret.items[0].path: Invalid value: "/b": must be a relative path',
    ),
    (made(volumes=[{"name": "v", "hostPath": {"path": "/a/../b"}}]), "must not contain '..'"),
    (made(volumes=[{"name": "v", "hostPath": {"path": "/a", "type": "X"}}]), "hostPath.type: Unsupported value"),
    (made(volumes=[{"name": "v", "persistentVolumeClaim": {}}]), "persistentVolumeClaim.claimName: Required value"),
    (made(volumes=[{"name": "v", "emptyDir": {"sizeLimit": "-1"}}]), "emptyDir.sizeLimit: Invalid value"),
    (made(volumes=[{"name": "v", "downwardAPI": {"items": [{"path": "a"}]}}]), "one of fieldRef and resourceField"),
    (made(volumes=[projected()]), "projected.sources[0]: Required value"),
    (
        made(
            volumes=[
                {
                    "name": "v",
                    "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 5}}]},
                }
            ]
        ),
        "may not specify a duration less than 10 minutes",
    ),
    # Probes and hooks.
    (made({"livenessProbe": {}}), "spec.containers[0].livenessProbe: Required value: must specify a handler type"),
    (
        made(probe(exec={"command": ["a"]})),
        "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
    ),
    (made({"livenessProbe": {"exec": {}}}), "spec.containers[0].livenessProbe.exec.command: Required value"),
    (made(probe(successThreshold=2)), "livenessProbe.successThreshold: Invalid value: 2: must be 1"),
    (made(probe(periodSeconds=-1)), "livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal"),
    (made(probe(terminationGracePeriodSeconds=0)), "must be greater than 0"),
    (
        made({"readinessProbe": {"tcpSocket": {"port": 80}, "terminationGracePeriodSeconds": 5}}),
        "must not be set for readinessProbes",
    ),
    (made({"livenessProbe": {"httpGet": {"port": 0}}}), "httpGet.port: Invalid value: 0: must be between 1 and 6553"),
    (made({"livenessProbe": {"httpGet": {"port": 1, "scheme": "ftp"}}}), 'supported values: "HTTP", "HTTPS"'),
    (
        made({"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}}),
        "must be non-negative and less than terminationGracePeriodSeconds (30)",
    ),
    (
        made(initContainers=[{"name": "i", "image": "a", **probe()}]),
        "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Al",
    ),
    # Resources.
    (
        made({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}),
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ),
    (made({"resources": {"requests": {"example.com/gpu": "1"}}}), "Limit must be set for non overcommitable resources"),
    (
        made({"resources": {"requests": {"memory": "-1"}}}),
        'resources.requests[memory]: Invalid value: "-1": must be gr',
    ),
    # Security.
    (
        made({"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}}),
        "cannot set `allowPrivilegeEscalation` to false and `privileged` to true",
    ),
    (made({"securityContext": {"runAsUser": -1}}), "must be between 0 and 2147483647, inclusive"),
    (made(securityContext={"sysctls": [{"name": "A"}]}), "securityContext.sysctls[0].name: Invalid value"),
    (made(securityContext={"seccompProfile": {"type": "Localhost"}}), "must be set when seccomp type is Localhost"),
    # The spec.
    (made(restartPolicy="Maybe"), 'supported values: "Always", "OnFailure", "Never"'),
    (made(dnsPolicy="X"), "spec.dnsPolicy: Unsupported value"),
    (made(dnsPolicy="None"), "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"),
    (made(dnsConfig={"nameservers": ["1.1.1.1"] * 4}), "must not have more than 3 nameservers"),
    (made(nodeSelector={"a b": "c"}), 'spec.nodeSelector: Invalid value: "a b"'),
    (made(activeDeadlineSeconds=0), "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647"),
    (made(hostname="a.b"), 'spec.hostname: Invalid value: "a.b": a lowercase RFC 1123 label'),
    (made(overhead={"cpu": "-1"}), "spec.overhead[cpu]: Invalid value"),
    (made(preemptionPolicy="X"), "spec.preemptionPolicy: Unsupported value"),
    (made(hostAliases=[{"ip": "x"}]), "spec.hostAliases[0].ip: Invalid value"),
    (
        made(ephemeralContainers=[{"name": "d", "image": "a"}]),
        "Forbidden: cannot be set on create",
    ),
    (made(nodeName="n", schedulingGates=[{"name": "g"}]), "cannot be set until all schedulingGates have been cleared"),
    # Placement.
    (made(tolerations=[{"value": "a"}]), "operator must be Exists when `key` is empty"),
    (made(tolerations=[{"key": "a", "operator": "Exists", "value": "b"}]), "value must be empty when `operator` is"),
    (
        made(tolerations=[{"key": "a", "operator": "Exists", "tolerationSeconds": 1}]),
        "effect must be 'NoExecute' when `tolerationSeconds` is set",
    ),
    (made(tolerations=[{"key": "a", "operator": "Exists", "effect": "X"}]), 'Unsupported value: "X"'),
    (
        made(affinity={"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {}}}),
        "nodeSelectorTerms: Required value: must have at least one node selector term",
    ),
    (
        made(
            affinity={
                "podAntiAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 101, "podAffinityTerm": {"topologyKey": "zone"}}
                    ]
                }
            }
        ),
        "weight: Invalid value: 101: must be in the range 1-100",
    ),
    (
        made(mount(recursiveReadOnly="Enabled"), volumes=VOLUMES),
        "volumeMounts[0].recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
    ),
    (
        made(mount(recursiveReadOnly="IfPossible", readOnly=True, mountPropagation="HostToContainer"), volumes=VOLUMES),
        "Forbidden: may only be specified when mountPropagation is None or not specified",
    ),
    (
        made(mount(mountPropagation="Bidirectional"), volumes=VOLUMES),
        "Forbidden: Bidirectional mount propagation is available only to privileged containers",
    ),
    (
        made({"volumeDevices": [{"name": "v", "devicePath": "/dev/x"}]}, volumes=VOLUMES),
        "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
    ),
    (made({"volumeDevices": [{"name": "w", "devicePath": "/dev/x"}]}), "volumeDevices[0].name: Not found"),
    (
        made({**mount(), "volumeDevices": [{"name": "w", "devicePath": "/a"}]}, volumes=[*VOLUMES, CLAIM]),
        'volumeDevices[0].devicePath: Invalid value: "/a": must not already exist in volumeMounts',
    ),
    (made(hostUsers=False, hostPID=True), "spec.hostPID: Forbidden: when `hostUsers` is false"),
    (
        made({"securityContext": {"procMount": "Unmasked"}}),
        'securityContext.procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
    ),
    (made(os={"name": "plan9"}), 'spec.os.name: Unsupported value: "plan9"'),
    (
        made({"securityContext": {"windowsOptions": {}}}, os={"name": "linux"}),
        "spec.containers[0].securityContext.windowsOptions: Forbidden: windows options cannot be set for a linux pod",
    ),
    (
        made({"securityContext": {"privileged": True}}, os={"name": "windows"}),
        "spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod",
    ),
    (made(securityContext={"supplementalGroupsPolicy": "X"}), 'supplementalGroupsPolicy: Unsupported value: "X"'),
    (made(securityContext={"seLinuxChangePolicy": "X"}), 'seLinuxChangePolicy: Unsupported value: "X"'),
    (made(resources={"limits": {"cpu": "1"}}), "spec.resources: Forbidden: resources of the pod as a whole"),
    (made(resourceClaims=[{"name": "gpu"}]), "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"),
    (made({"resources": {"claims": [{"name": "gpu"}]}}), "resources.claims[0]: Not found"),
    (
        made(source(fieldRef={"fieldPath": "metadata.name", "apiVersion": "v2"})),
        "error converting fieldPath: unsupported pod version: v2",
    ),
    (
        made(topologySpreadConstraints=[{"maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}]),
        "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
    ),
]


@pytest.mark.parametrize("pod", RIGHT)
def test_right(pod: Object) -> None:
    assert problems(pod) == []


@pytest.mark.parametrize(("pod", "expected"), WRONG, ids=[expected for _, expected in WRONG])
def test_wrong(pod: Object, expected: str) -> None:
    found = problems(pod)
    assert [problem for problem in found if expected in problem], found
    assert len(found) == 1, found


def test_containers_need_names_of_their_own() -> None:
    web = {"name": "web", "image": "nginx"}
    assert problems(made(containers=[web, dict(web)])) == ['spec.containers[1].name: Duplicate value: "web"']


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (
            {"limits": {"foo": "1"}},
            [
                'r.limits[foo]: Invalid value: "foo": must be a standard resource type or fully qualified',
                'r.limits[foo]: Invalid value: "foo": must be a standard resource for containers',
            ],
        ),
        (
            {"limits": {"example.com/gpu": "500m"}},
            ['r.limits[example.com/gpu]: Invalid value: "500m": must be an integer'],
        ),
        ({"limits": {"cpu": "-1"}}, ['r.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0']),
        (
            {"limits": {"example.com/gpu": "2"}, "requests": {"example.com/gpu": "1"}},
            ['r.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2'],
        ),
    ],
)
def test_resources(resources: Object, expected: list[str]) -> None:
    assert [f"{error.field}: {error.message}" for error in requirements(resources, "r")] == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"containers": [{"name": "web"}]}, "spec.template.spec.containers[0].image: Required value"),
        ({"ephemeralContainers": [{"name": "x", "image": "y"}]}, "ephemeral containers not allowed in pod template"),
    ],
)
def test_a_template_is_stricter(change: Object, expected: str) -> None:
    example: Object = {"spec": {"containers": [{"name": "web", "image": "nginx"}], **change}}
    default_template(example)
    assert [expected in f"{e.field}: {e.message}" for e in template(example, "spec.template")] == [True]


def test_a_template_may_leave_the_nodes_port_out() -> None:
    container = {"name": "web", "image": "nginx", "ports": [{"containerPort": 80}]}
    example: Object = {"spec": {"containers": [container], "hostNetwork": True}}
    default_template(example)
    assert list(template(example, "spec.template")) == []
