"""The EndpointSlices of a Service. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.api.meta import Object, labels, name, namespace, owner_reference
from orchestrator.controllers.endpoint import HEADLESS_LABEL, Endpoint, is_headless
from orchestrator.controllers.slices import MANAGED_BY, SERVICE_NAME, Plan, Ports, reconcile

MANAGER = "endpointslice-controller.k8s.io"


def plan(service: Object, endpoints: Iterable[Endpoint], slices: Sequence[Object]) -> Plan:
    """`slices` are those this controller manages for the Service. There is always one: so a proxy can tell "no
    endpoints" from "not looked yet"."""
    wanted: dict[Ports, list[Object]] = {}
    for endpoint in endpoints:
        wanted.setdefault(tuple(sorted(endpoint.ports)), []).append(_entry(endpoint))
    return reconcile(_model(service), wanted, slices, never_none=True)


def _entry(endpoint: Endpoint) -> Object:
    conditions = {"ready": endpoint.ready, "serving": endpoint.serving, "terminating": endpoint.terminating}
    entry: Object = {"addresses": [endpoint.ip], "conditions": conditions}
    entry |= {"hostname": endpoint.hostname} if endpoint.hostname else {}
    entry |= {"nodeName": endpoint.node} if endpoint.node else {}
    return entry | {"targetRef": endpoint.target}


def _model(service: Object) -> Object:
    own = {key: value for key, value in labels(service).items() if key != HEADLESS_LABEL}
    marks = {SERVICE_NAME: name(service), MANAGED_BY: MANAGER} | ({HEADLESS_LABEL: ""} if is_headless(service) else {})
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": f"{name(service)}-",
            "namespace": namespace(service),
            "labels": own | marks,
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
    }
