"""The node's heartbeat: its Lease in kube-node-lease."""

from __future__ import annotations

import logging

from orchestrator.api.errors import ApiError, NotFound
from orchestrator.api.groups.coordination import LEASE
from orchestrator.api.groups.core import NODE
from orchestrator.api.meta import Object, owner_reference
from orchestrator.api.times import rfc3339_micro
from orchestrator.client.client import Client
from orchestrator.util.clock import Clock

log = logging.getLogger(__name__)

NAMESPACE = "kube-node-lease"


class NodeLease:
    """`duration` in seconds: after that without a renewal others may take the node for lost."""

    def __init__(self, client: Client, node: str, duration: float, clock: Clock) -> None:
        self._client, self._node, self._duration, self._clock = client, node, duration, clock
        self._failed = False

    def renew(self) -> None:
        """Renew, and make it when it is missing. A failure is logged once; the next renewal will do."""
        try:
            self._renew()
        except ApiError as error:
            if not self._failed:
                log.warning("node %s: lease not renewed, will go on trying: %s", self._node, error)
            self._failed = True
        else:
            if self._failed:
                log.info("node %s: lease renewed again", self._node)
            self._failed = False

    def _renew(self) -> None:
        spec = {
            "holderIdentity": self._node,
            "leaseDurationSeconds": max(1, round(self._duration)),
            "renewTime": rfc3339_micro(self._clock.now()),
        }
        try:
            self._client.patch(LEASE, self._node, {"spec": spec}, NAMESPACE)
        except NotFound:
            self._create(spec)

    def _create(self, spec: Object) -> None:
        """Owned by the Node, so that it goes when the Node goes; before there is a Node there is no lease."""
        try:
            node = self._client.get(NODE, self._node)
        except NotFound:
            return
        owner = owner_reference(node, controller=False)
        metadata = {"namespace": NAMESPACE, "name": self._node, "ownerReferences": [owner]}
        lease: Object = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": spec}
        self._client.create(LEASE, lease)
