"""What the Secrets of bootstrap tokens look like, as far as more than one part asks (pure)."""

from __future__ import annotations

import base64
import binascii
import math

from orchestrator.api.meta import Object
from orchestrator.api.times import parse

NAMESPACE = "kube-system"
PREFIX = "bootstrap-token-"
TYPE = "bootstrap.kubernetes.io/token"


def value(secret: Object, key: str) -> str:
    """The text under the key, "" when there is none that can be read."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(key) or "").decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def expires(secret: Object) -> float | None:
    """When the token ends, in seconds since the epoch; None for never. What cannot be read has ended."""
    if not (secret.get("data") or {}).get("expiration"):
        return None
    try:
        return parse(value(secret, "expiration"))
    except ValueError:
        return -math.inf
