"""The EndpointSlices that say the same as an Endpoints object. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.api.meta import Object, labels, name, namespace, owner_reference
from orchestrator.controllers.endpoint import Port
from orchestrator.controllers.slices import MANAGED_BY, SERVICE_NAME, Plan, Ports, reconcile

MANAGER = "endpointslicemirroring-controller.k8s.io"
SKIP = "endpointslice.kubernetes.io/skip-mirror"


def wants_mirror(endpoints: Object) -> bool:
    return labels(endpoints).get(SKIP) != "true"


def plan(endpoints: Object, slices: Sequence[Object]) -> Plan:
    """`slices` are those this controller manages for the Endpoints."""
    wanted: dict[Ports, list[Object]] = {}
    for subset in endpoints.get("subsets") or []:
        wanted.setdefault(_ports(subset), []).extend(_entries(subset))
    return reconcile(_model(endpoints), wanted, slices, never_none=False)


def _ports(subset: Object) -> Ports:
    found = (
        Port(port.get("name") or "", int(port["port"]), port.get("protocol") or "TCP", port.get("appProtocol") or "")
        for port in subset.get("ports") or []
    )
    return tuple(sorted(found))


def _entries(subset: Object) -> Iterator[Object]:
    for addresses, ready in (("addresses", True), ("notReadyAddresses", False)):
        for address in subset.get(addresses) or []:
            kept = {field: address[field] for field in ("hostname", "nodeName", "targetRef") if address.get(field)}
            yield {"addresses": [address["ip"]], "conditions": {"ready": ready}, **kept}


def _model(endpoints: Object) -> Object:
    marks = {SERVICE_NAME: name(endpoints), MANAGED_BY: MANAGER}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name(endpoints)}-",
            "namespace": namespace(endpoints),
            "labels": labels(endpoints) | marks,
            "ownerReferences": [owner_reference(endpoints)],
        },
        "addressType": "IPv4",
    }
