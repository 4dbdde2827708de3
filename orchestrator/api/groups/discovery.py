"""The group `discovery.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

ENDPOINT_SLICE = Kind(
    "discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", rules="endpointslice:EndpointSliceStrategy"
)

KINDS = (ENDPOINT_SLICE,)
