"""The pods, and what they refer to."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

Object = dict[str, Any]

#: The pods that run.
RUNNING = ("identity", "environment", "host", "volumes", "secure", "groups", "merged", "probed", "life")
#: All system calls but those that make folders.
SECCOMP = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}
#: Answers those who send the header, on two ports.
_ANSWER = "location / { if ($http_x_probe != yes) { return 500; } return 200 here; }"
_SITE = f"""
server {{ listen 8080; {_ANSWER} }}
server {{ listen 8443 ssl; ssl_certificate /tls/tls.crt; ssl_certificate_key /tls/tls.key; {_ANSWER} }}
"""
_STAY = "echo done=; trap 'exit 0' TERM; sleep 3600 & wait"

_WHO = """
echo uid=$(id -u); echo gid=$(id -g); echo groups=$(id -G)
echo nnp=$(grep NoNewPrivs /proc/self/status | cut -f2)
echo seccomp=$(grep Seccomp: /proc/self/status | cut -f2)
echo bounding=$(grep CapBnd /proc/self/status | cut -f2)
echo root=$(touch /x 2>/dev/null && echo writable || echo read-only)
"""


def pod(name: str, image: str, **spec: Any) -> Object:
    """Of one container that stays, unless `spec` says otherwise."""
    own = {"terminationGracePeriodSeconds": 5, "containers": [container(image)], **spec}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": own}


def container(image: str, script: str = "", name: str = "main", **fields: Any) -> Object:
    return {"name": name, "image": image, "command": ["sh", "-c", script + _STAY], **fields}


def prepare_machine(home: Path, shared: Path) -> None:
    (home / "seccomp").mkdir()
    (home / "seccomp" / "no-mkdir.json").write_text(json.dumps(SECCOMP))
    (shared / "host").mkdir(mode=0o777)


def objects(node: str, shared: Path, image: str, groups: str, nginx: str, host_port: int) -> list[Object]:
    return [
        _object("v1", "ConfigMap", "cfg", data={"color": "blue", "size": "9"}),
        _object("v1", "Secret", "pw", data={"user": base64.b64encode(b"admin").decode()}),
        _object("v1", "ConfigMap", "fixed", data={"a": "1"}, immutable=True),
        _object("v1", "ConfigMap", "site", data={"site.conf": _SITE}),
        _object("node.k8s.io/v1", "RuntimeClass", "plain", handler="runc", overhead={"podFixed": {"cpu": "10m"}}),
        _object("node.k8s.io/v1", "RuntimeClass", "strange", handler="no-such-runtime"),
        _object(
            "v1",
            "PersistentVolumeClaim",
            "claim",
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
        ),
        _identity(image),
        _environment(image),
        _host(image),
        _volumes(image, nginx, shared),
        _secure(image),
        *_groups(groups),
        *_probed(nginx),
        *_lives(image, shared, host_port),
        *_refused(node, image, groups),
    ]


def _object(version: str, kind: str, name: str, **fields: Any) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **fields}


def _identity(image: str) -> Object:
    return pod(
        "identity",
        image,
        hostname="box",
        subdomain="shelf",
        setHostnameAsFQDN=True,
        hostAliases=[{"ip": "10.1.2.3", "hostnames": ["database", "db"]}],
        dnsConfig={
            "nameservers": ["192.0.2.53"],
            "searches": ["example.org"],
            "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
        },
        shareProcessNamespace=True,
        runtimeClassName="plain",
        serviceAccountName="default",
        automountServiceAccountToken=False,
    )


def _environment(image: str) -> Object:
    fields = {
        "NAME": "metadata.name",
        "SPACE": "metadata.namespace",
        "UID": "metadata.uid",
        "LABEL": "metadata.labels['app']",
        "NODE": "spec.nodeName",
        "ACCOUNT": "spec.serviceAccountName",
        "IP": "status.podIP",
        "IPS": "status.podIPs",
        "HOST": "status.hostIP",
        "HOSTS": "status.hostIPs",
    }
    env: list[Object] = [
        {"name": "FIRST", "value": "one"},
        {"name": "SECOND", "value": "$(FIRST)-two-$(LATER)-$$(FIRST)"},
        {"name": "LATER", "value": "x"},
        *({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()),
        _from("KEY", configMapKeyRef={"name": "cfg", "key": "color"}),
        _from("SECRET", secretKeyRef={"name": "pw", "key": "user"}),
        _from("ABSENT", configMapKeyRef={"name": "none", "key": "a", "optional": True}),
        _from("ABSENT_KEY", secretKeyRef={"name": "pw", "key": "none", "optional": True}),
        _from("CPU", resourceFieldRef={"resource": "limits.cpu", "divisor": "1m"}),
        _from("MEMORY", resourceFieldRef={"resource": "limits.memory", "divisor": "1Mi"}),
        _from("OTHER", resourceFieldRef={"resource": "requests.memory", "containerName": "side"}),
        _from("DISK", resourceFieldRef={"resource": "limits.ephemeral-storage"}),
    ]
    sources: list[Object] = [
        {"prefix": "CFG_", "configMapRef": {"name": "cfg"}},
        {"prefix": "PW_", "secretRef": {"name": "pw"}},
        {"configMapRef": {"name": "none", "optional": True}},
        {"secretRef": {"name": "none", "optional": True}},
    ]
    script = "env; echo argument=$1; echo here=$(pwd); "
    main = {
        **container(image, script, env=env, envFrom=sources, workingDir="/tmp"),
        "args": ["sh", "$(FIRST)"],
        "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}},
    }
    side = container(image, "env; ", "side", resources={"requests": {"memory": "5Mi"}})
    return pod("environment", image, containers=[main, side], enableServiceLinks=False)


def _from(name: str, **source: Object) -> Object:
    return {"name": name, "valueFrom": source}


def _host(image: str) -> Object:
    script = "for kind in net ipc pid; do echo $kind=$(readlink /proc/self/ns/$kind); done; "
    return pod(
        "host",
        image,
        containers=[container(image, script)],
        hostNetwork=True,
        hostPID=True,
        hostIPC=True,
        dnsPolicy="ClusterFirstWithHostNet",
        hostAliases=[{"ip": "10.1.2.4", "hostnames": ["far"]}],
        tolerations=[{"operator": "Exists"}],
        nodeSelector={"kubernetes.io/os": "linux"},
        os={"name": "linux"},
    )


def _volumes(image: str, nginx: str, shared: Path) -> Object:
    token = {"serviceAccountToken": {"path": "token", "audience": "me", "expirationSeconds": 700}}
    parts: list[Object] = [
        {"configMap": {"name": "cfg", "items": [{"key": "color", "path": "cfg/color", "mode": 0o400}]}},
        {"secret": {"name": "pw"}},
        {"configMap": {"name": "none", "optional": True}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        token,
    ]
    down: list[Object] = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}, "mode": 0o444},
        {"path": "cpu", "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu", "divisor": "1m"}},
    ]
    template = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}}
    volumes: dict[str, Object] = {
        "scratch": {"emptyDir": {}},
        "memory": {"emptyDir": {"medium": "Memory", "sizeLimit": "2Mi"}},
        "cfg": {"configMap": {"name": "cfg", "defaultMode": 0o444}},
        "fixed": {"configMap": {"name": "fixed"}},
        "pw": {"secret": {"secretName": "pw", "defaultMode": 0o440, "items": [{"key": "user", "path": "who"}]}},
        "absent": {"secret": {"secretName": "none", "optional": True}},
        "down": {"downwardAPI": {"items": down, "defaultMode": 0o400}},
        "parts": {"projected": {"sources": parts, "defaultMode": 0o444}},
        "host": {"hostPath": {"path": str(shared / "host"), "type": "Directory"}},
        "shared": {"hostPath": {"path": str(shared), "type": "Directory"}},
        "claim": {"persistentVolumeClaim": {"claimName": "claim"}},
        "frozen": {"persistentVolumeClaim": {"claimName": "claim", "readOnly": True}},
        "own": {"ephemeral": {"volumeClaimTemplate": template}},
        "image": {"image": {"reference": nginx, "pullPolicy": "IfNotPresent"}},
    }
    mounts: list[Object] = [
        *({"name": name, "mountPath": f"/v/{name}"} for name in volumes if name not in ("host", "shared")),
        {"name": "host", "mountPath": "/v/host", "readOnly": True, "recursiveReadOnly": "IfPossible"},
        {"name": "shared", "mountPath": "/v/shared", "mountPropagation": "HostToContainer"},
        {"name": "scratch", "mountPath": "/v/part", "subPath": "a/b"},
        {"name": "scratch", "mountPath": "/v/mine", "subPathExpr": "logs/$(WHO)"},
        {"name": "cfg", "mountPath": "/v/single", "subPath": "color"},
    ]
    env = [{"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    limits = {"limits": {"cpu": "250m"}}
    return pod(
        "volumes",
        image,
        containers=[container(image, volumeMounts=mounts, env=env, resources=limits)],
        volumes=[{"name": name, **source} for name, source in volumes.items()],
        securityContext={"fsGroup": 4321, "fsGroupChangePolicy": "OnRootMismatch"},
        dnsPolicy="Default",
    )


def _secure(image: str) -> Object:
    strict = {
        "runAsUser": 3000,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        "seccompProfile": {"type": "Localhost", "localhostProfile": "no-mkdir.json"},
        "procMount": "Default",
        "privileged": False,
    }
    loose = {
        "runAsUser": 0,
        "runAsGroup": 0,
        "runAsNonRoot": False,
        "seccompProfile": {"type": "Unconfined"},
        "appArmorProfile": {"type": "Unconfined"},
        "seLinuxOptions": {"user": "u", "role": "r", "type": "t", "level": "s0"},
        "windowsOptions": {"runAsUserName": "nobody"},
    }
    script = _WHO + "echo mkdir=$(mkdir /dev/shm/x 2>&1 && echo made); "
    return pod(
        "secure",
        image,
        containers=[
            container(image, script, securityContext=strict),
            container(image, script, "loose", securityContext=loose),
        ],
        securityContext={
            "runAsUser": 1000,
            "runAsGroup": 2000,
            "runAsNonRoot": True,
            "supplementalGroups": [5000],
            "seccompProfile": {"type": "RuntimeDefault"},
            "seLinuxChangePolicy": "Recursive",
            "sysctls": [
                {"name": "net.ipv4.ip_unprivileged_port_start", "value": "7"},
                {"name": "net/ipv4/tcp_syncookies", "value": "1"},
            ],
        },
        hostUsers=True,
        dnsPolicy="None",
        dnsConfig={"nameservers": ["192.0.2.1"]},
    )


def _probed(nginx: str) -> list[Object]:
    """`probed` sends its probes' header, `unheard` does not."""
    header = {"httpHeaders": [{"name": "X-Probe", "value": "yes"}], "path": "/ready"}
    every = {"periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 20}
    main: Object = {
        "name": "main",
        "image": nginx,
        "imagePullPolicy": "Never",
        "ports": [{"name": "tls", "containerPort": 8443}, {"name": "plain", "containerPort": 8080}],
        "startupProbe": {"exec": {"command": ["test", "-e", "/tmp/begun"]}, **every},
        "livenessProbe": {"tcpSocket": {"port": "plain"}, "terminationGracePeriodSeconds": 1, **every},
        "readinessProbe": {"httpGet": {"port": "tls", "scheme": "HTTPS", **header}, "successThreshold": 2, **every},
        "lifecycle": {"postStart": {"exec": {"command": ["touch", "/tmp/begun"]}}},
        "volumeMounts": [
            {"name": "site", "mountPath": "/etc/nginx/conf.d"},
            {"name": "tls", "mountPath": "/tls"},
        ],
    }
    volumes = [{"name": "site", "configMap": {"name": "site"}}, {"name": "tls", "secret": {"secretName": "tls"}}]
    unheard = {**main, "readinessProbe": {"httpGet": {"port": "plain"}, "initialDelaySeconds": 1, **every}}
    return [
        pod("probed", nginx, containers=[main], volumes=volumes),
        pod("unheard", nginx, containers=[unheard], volumes=volumes),
    ]


def _lives(image: str, shared: Path, host_port: int) -> list[Object]:
    data = [{"name": "data", "mountPath": "/data"}]
    served = [{"containerPort": 80, "hostPort": host_port, "hostIP": "127.0.0.1", "protocol": "TCP"}]
    main = container(
        image,
        "cat /data/log; httpd -p 80 -h /data; ",
        ports=served,
        volumeMounts=data,
        lifecycle={"preStop": {"exec": {"command": ["touch", "/data/prestop"]}}},
    )
    first = {
        "name": "first",
        "image": image,
        "command": ["sh", "-c", "echo first=1 >> /data/log"],
        "volumeMounts": data,
    }
    side = container(image, "echo side=1 >> /data/log; ", "side", restartPolicy="Always", volumeMounts=data)
    side["startupProbe"] = {"exec": {"command": ["grep", "side", "/data/log"]}, "periodSeconds": 1}
    life = pod("life", image, containers=[main], initContainers=[first, side])
    life["spec"]["volumes"] = [
        {"name": "data", "hostPath": {"path": str(shared / "life"), "type": "DirectoryOrCreate"}},
    ]
    ended = container(image)
    return [
        life,
        pod("deadline", image, activeDeadlineSeconds=1),
        pod("unfed", image, readinessGates=[{"conditionType": "example.com/fed"}]),
        pod("over", image, restartPolicy="Never", containers=[{**ended, "command": ["sh", "-c", "exit 3"]}]),
        pod("again", image, restartPolicy="OnFailure", containers=[{**ended, "command": ["sh", "-c", "exit 3"]}]),
    ]


def _groups(image: str) -> list[Object]:
    merge = container(image, _WHO, "merge", securityContext={"runAsUser": 1000})
    strict = container(image, _WHO)
    made = pod("groups", image, containers=[strict])
    made["spec"]["securityContext"] = {
        "supplementalGroupsPolicy": "Strict",
        "runAsUser": 1000,
        "runAsGroup": 1000,
        "supplementalGroups": [60000],
    }
    merged = pod("merged", image, containers=[merge], securityContext={"supplementalGroupsPolicy": "Merge"})
    return [made, merged]


def _refused(node: str, image: str, groups: str) -> list[Object]:
    """Pods that do not get to run, each for one reason."""
    sysctl = {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}
    privileged = container(image, securityContext={"privileged": True})
    kept = {"restartPolicy": "Never"}
    bundle = {"clusterTrustBundle": {"path": "p", "name": "b"}}
    return [
        pod("sysctl", image, securityContext=sysctl),
        pod("windows", image, os={"name": "windows"}, nodeName=node),
        pod("apparmor", image, securityContext={"appArmorProfile": {"type": "RuntimeDefault"}}),
        pod("gpu-here", image, nodeName=node, containers=[_asking(image, "example.com/gpu", "1")]),
        pod("gpu", image, containers=[_asking(image, "example.com/gpu", "1")]),
        pod("huge", image, containers=[_asking(image, "hugepages-2Mi", "2Mi")]),
        pod("claiming", image, resourceClaims=[{"name": "dev", "resourceClaimName": "device"}]),
        pod("users", image, hostUsers=False),
        pod("long", image, hostname="a" * 40, subdomain="b" * 30, setHostnameAsFQDN=True),
        pod("strange", image, runtimeClassName="strange"),
        pod("privileged", image, containers=[privileged], **kept),
        pod("named-user", groups, securityContext={"runAsNonRoot": True}),
        pod("unprofiled", image, securityContext={"seccompProfile": {"type": "Localhost", "localhostProfile": "no"}}),
        pod("huge-medium", image, volumes=[{"name": "v", "emptyDir": {"medium": "HugePages"}}]),
        pod("bundle", image, volumes=[{"name": "v", "projected": {"sources": [bundle]}}]),
        pod("git", image, volumes=[{"name": "v", "gitRepo": {"repository": "https://example.org/r.git"}}]),
        pod("gated", image, schedulingGates=[{"name": "example.com/wait"}]),
        pod("elsewhere", image, schedulerName="another"),
    ]


def _asking(image: str, resource: str, amount: str) -> Object:
    return container(image, resources={"limits": {resource: amount}})
