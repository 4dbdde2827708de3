"""The core group, ""."""

from __future__ import annotations

from orchestrator.api.kinds import VERBS, Kind
from orchestrator.api.strategies.configmap import ConfigMapStrategy
from orchestrator.api.strategies.endpoints import EndpointsStrategy
from orchestrator.api.strategies.event import EventStrategy
from orchestrator.api.strategies.limitrange import LimitRangeStrategy
from orchestrator.api.strategies.namespace import NamespaceStrategy
from orchestrator.api.strategies.node import NodeStrategy
from orchestrator.api.strategies.persistentvolume import PersistentVolumeStrategy
from orchestrator.api.strategies.persistentvolumeclaim import PersistentVolumeClaimStrategy
from orchestrator.api.strategies.pod import PodStrategy
from orchestrator.api.strategies.podtemplate import PodTemplateStrategy
from orchestrator.api.strategies.replicationcontroller import ReplicationControllerStrategy
from orchestrator.api.strategies.resourcequota import ResourceQuotaStrategy
from orchestrator.api.strategies.secret import SecretStrategy
from orchestrator.api.strategies.service import ServiceStrategy
from orchestrator.api.strategies.serviceaccount import ServiceAccountStrategy

NAMESPACE = Kind(
    "",
    "v1",
    "Namespace",
    "namespaces",
    namespaced=False,
    short_names=("ns",),
    subresources=("status", "finalize"),
    verbs=tuple(verb for verb in VERBS if verb != "deletecollection"),
    strategy=NamespaceStrategy(),
)
NODE = Kind(
    "",
    "v1",
    "Node",
    "nodes",
    namespaced=False,
    short_names=("no",),
    subresources=("status", "proxy"),
    strategy=NodeStrategy(),
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
    strategy=PodStrategy(),
)
SERVICE = Kind(
    "",
    "v1",
    "Service",
    "services",
    short_names=("svc",),
    categories=("all",),
    subresources=("status", "proxy"),
    strategy=ServiceStrategy(),
)
ENDPOINTS = Kind("", "v1", "Endpoints", "endpoints", short_names=("ep",), strategy=EndpointsStrategy())
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps", short_names=("cm",), strategy=ConfigMapStrategy())
SECRET = Kind("", "v1", "Secret", "secrets", strategy=SecretStrategy())
SERVICE_ACCOUNT = Kind(
    "",
    "v1",
    "ServiceAccount",
    "serviceaccounts",
    short_names=("sa",),
    subresources=("token",),
    strategy=ServiceAccountStrategy(),
)
EVENT = Kind("", "v1", "Event", "events", short_names=("ev",), strategy=EventStrategy())
POD_TEMPLATE = Kind("", "v1", "PodTemplate", "podtemplates", strategy=PodTemplateStrategy())
REPLICATION_CONTROLLER = Kind(
    "",
    "v1",
    "ReplicationController",
    "replicationcontrollers",
    short_names=("rc",),
    categories=("all",),
    subresources=("status", "scale"),
    strategy=ReplicationControllerStrategy(),
)
PERSISTENT_VOLUME = Kind(
    "",
    "v1",
    "PersistentVolume",
    "persistentvolumes",
    namespaced=False,
    short_names=("pv",),
    subresources=("status",),
    strategy=PersistentVolumeStrategy(),
)
PERSISTENT_VOLUME_CLAIM = Kind(
    "",
    "v1",
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
    short_names=("pvc",),
    subresources=("status",),
    strategy=PersistentVolumeClaimStrategy(),
)
RESOURCE_QUOTA = Kind(
    "",
    "v1",
    "ResourceQuota",
    "resourcequotas",
    short_names=("quota",),
    subresources=("status",),
    strategy=ResourceQuotaStrategy(),
)
LIMIT_RANGE = Kind("", "v1", "LimitRange", "limitranges", short_names=("limits",), strategy=LimitRangeStrategy())

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
