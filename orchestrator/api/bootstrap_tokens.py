"""What the Secrets of bootstrap tokens look like, as far as more than one part asks (pure)."""

from __future__ import annotations

import base64
import math

from orchestrator.api.meta import Object
from orchestrator.api.times import parse

NAMESPACE = "kube-system"
PREFIX = "bootstrap-token-"
TYPE = "bootstrap.kubernetes.io/token"


def expires(secret: Object) -> float | None:
    """When the token ends, in seconds since the epoch; None for never. What cannot be read has ended."""
    data = (secret.get("data") or {}).get("expiration")
    if not data:
        return None
    try:
        return parse(base64.b64decode(data).decode())
    except ValueError:
        return -math.inf
