"""The group `coordination.k8s.io`."""

from __future__ import annotations

from orchestrator.api.kinds import Kind
from orchestrator.api.strategies.lease import LeaseStrategy

LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases", strategy=LeaseStrategy())

KINDS = (LEASE,)
