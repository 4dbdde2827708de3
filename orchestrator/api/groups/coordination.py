"""The group `coordination.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind

LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases", rules="lease:LeaseStrategy")

KINDS = (LEASE,)
