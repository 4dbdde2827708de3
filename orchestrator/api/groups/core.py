"""The core group, ""."""

from __future__ import annotations

from orchestrator.api.kinds import VERBS, Kind

NAMESPACE = Kind(
    "",
    "v1",
    "Namespace",
    "namespaces",
    namespaced=False,
    short_names=("ns",),
    subresources=("status", "finalize"),
    verbs=tuple(verb for verb in VERBS if verb != "deletecollection"),
    rules="namespace:NamespaceStrategy",
)
NODE = Kind(
    "",
    "v1",
    "Node",
    "nodes",
    namespaced=False,
    short_names=("no",),
    subresources=("status", "proxy"),
    rules="node:NodeStrategy",
)
POD = Kind(
    "",
    "v1",
    "Pod",
    "pods",
    short_names=("po",),
    categories=("all",),
    subresources=(
        "status",
        "binding",
        "log",
        "ephemeralcontainers",
        "resize",
        "eviction",
        "exec",
        "attach",
        "portforward",
        "proxy",
    ),
    rules="pod:PodStrategy",
)
SERVICE = Kind(
    "",
    "v1",
    "Service",
    "services",
    short_names=("svc",),
    categories=("all",),
    subresources=("status", "proxy"),
    rules="service:ServiceStrategy",
)
ENDPOINTS = Kind("", "v1", "Endpoints", "endpoints", short_names=("ep",), rules="endpoints:EndpointsStrategy")
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", short_names=("cm",), rules="configmap:ConfigMapStrategy")
SECRET = Kind("", "v1", "Secret", "secrets", rules="secret:SecretStrategy")
SERVICE_ACCOUNT = Kind(
    "",
    "v1",
    "ServiceAccount",
    "serviceaccounts",
    short_names=("sa",),
    subresources=("token",),
    rules="serviceaccount:ServiceAccountStrategy",
)
EVENT = Kind("", "v1", "Event", "events", short_names=("ev",), rules="event:EventStrategy")
POD_TEMPLATE = Kind("", "v1", "PodTemplate", "podtemplates", rules="podtemplate:PodTemplateStrategy")
REPLICATION_CONTROLLER = Kind(
    "",
    "v1",
    "ReplicationController",
    "replicationcontrollers",
    short_names=("rc",),
    categories=("all",),
    subresources=("status", "scale"),
    rules="replicationcontroller:ReplicationControllerStrategy",
)
PERSISTENT_VOLUME = Kind(
    "",
    "v1",
    "PersistentVolume",
    "persistentvolumes",
    namespaced=False,
    short_names=("pv",),
    subresources=("status",),
    rules="persistentvolume:PersistentVolumeStrategy",
)
PERSISTENT_VOLUME_CLAIM = Kind(
    "",
    "v1",
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
    short_names=("pvc",),
    subresources=("status",),
    rules="persistentvolumeclaim:PersistentVolumeClaimStrategy",
)
RESOURCE_QUOTA = Kind(
    "",
    "v1",
    "ResourceQuota",
    "resourcequotas",
    short_names=("quota",),
    subresources=("status",),
    rules="resourcequota:ResourceQuotaStrategy",
)
LIMIT_RANGE = Kind(
    "", "v1", "LimitRange", "limitranges", short_names=("limits",), rules="limitrange:LimitRangeStrategy"
)

KINDS = (
    NAMESPACE,
    NODE,
    POD,
    SERVICE,
    ENDPOINTS,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    EVENT,
    POD_TEMPLATE,
    REPLICATION_CONTROLLER,
    PERSISTENT_VOLUME,
    PERSISTENT_VOLUME_CLAIM,
    RESOURCE_QUOTA,
    LIMIT_RANGE,
)
