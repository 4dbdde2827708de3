"""ServiceAccount: every pod runs as an account of its namespace, and gets what it needs to call the API as that."""

from __future__ import annotations

import random

from orchestrator.api.groups.core import POD, SERVICE_ACCOUNT
from orchestrator.api.meta import Object
from orchestrator.api.static_pods import mirrored
from orchestrator.server.admission.base import Attributes, Plugin, View
from orchestrator.server.admission.namespaces import forbidden
from orchestrator.server.admission.pods import new_pod
from orchestrator.server.generated_names import generate_name

#: Where client libraries look.
MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_VOLUME = "kube-api-access-"
_ROOT_CA = "kube-root-ca.crt"
#: Seconds; not a round hour, so that one can tell these tokens from others.
_TOKEN_SECONDS = 3607
_FILE_MODE = 0o644


class ServiceAccounts(Plugin):
    """`default` for pods that name no account. It is made by a controller, so it may not be there yet."""

    def __init__(self, view: View, rng: random.Random) -> None:
        self._view, self._rng = view, rng

    def admit(self, attributes: Attributes) -> None:
        spec = new_pod(attributes)
        if spec is None or (attributes.new is not None and mirrored(attributes.new)):
            return  # A static pod has no account: it runs without the API.
        # `serviceAccount` is the field's old name, and still readable.
        wanted = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
        spec["serviceAccountName"] = spec["serviceAccount"] = wanted
        account = self._view.find(SERVICE_ACCOUNT, attributes.namespace, wanted)
        if account is None and wanted != "default":
            why = (
                f'error looking up service account {attributes.namespace}/{wanted}: serviceaccount "{wanted}" not found'
            )
            raise forbidden(POD, attributes.name, why)
        if account is not None and account.get("imagePullSecrets") and not spec.get("imagePullSecrets"):
            spec["imagePullSecrets"] = account["imagePullSecrets"]
        if _wants_token(spec, account or {}):
            mount_token(spec, generate_name(_VOLUME, self._rng))


def _wants_token(spec: Object, account: Object) -> bool:
    """The pod's word counts more than its account's."""
    field = "automountServiceAccountToken"
    said = spec[field] if spec.get(field) is not None else account.get(field)
    return said is not False


def mount_token(spec: Object, name: str) -> None:
    """Give each container the account's token, the cluster's CA and the namespace, unless it mounts its own there."""
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    without = [container for container in containers if not _mounted(container)]
    for container in without:
        mount = {"name": name, "readOnly": True, "mountPath": MOUNT_PATH}
        container["volumeMounts"] = [*(container.get("volumeMounts") or ()), mount]
    if without:
        spec["volumes"] = [*(spec.get("volumes") or ()), _volume(name)]


def _mounted(container: Object) -> bool:
    return any(mount.get("mountPath") == MOUNT_PATH for mount in container.get("volumeMounts") or ())


def _volume(name: str) -> Object:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": _TOKEN_SECONDS, "path": "token"}},
        {"configMap": {"name": _ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]
    return {"name": name, "projected": {"sources": sources, "defaultMode": _FILE_MODE}}
