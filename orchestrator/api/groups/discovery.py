"""The group `discovery.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.endpointslice import EndpointSliceStrategy

ENDPOINT_SLICE = Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", strategy=EndpointSliceStrategy())

KINDS = (ENDPOINT_SLICE,)
