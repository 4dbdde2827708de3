"""Bootstrap tokens: Secrets in kube-system that let a new node ask for its certificate.

As `k8s.io/cluster-bootstrap` and `k8s.io/kubernetes/plugin/pkg/auth/authenticator/token/bootstrap` have it. A token is
`ID.SECRET`, and its Secret is `bootstrap-token-ID`.
"""

from __future__ import annotations

import hmac
import re

from orchestrator.api.access import BOOTSTRAPPERS
from orchestrator.api.bootstrap_tokens import NAMESPACE, PREFIX, TYPE, expires, value
from orchestrator.api.groups.core import SECRET
from orchestrator.api.meta import Object, is_deleting
from orchestrator.api.request import User
from orchestrator.server.admission.base import View
from orchestrator.util.clock import Clock

_TOKEN = re.compile(r"([a-z0-9]{6})\.([a-z0-9]{16})")
_GROUP = re.compile(r"system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]")


class BootstrapTokens:
    def __init__(self, view: View, clock: Clock) -> None:
        self._view, self._clock = view, clock

    def user(self, token: str) -> User | None:
        """Whom the token stands for; None when it is no bootstrap token, or none that counts now."""
        match = _TOKEN.fullmatch(token)
        secret = self._view.find(SECRET, NAMESPACE, f"{PREFIX}{match[1]}") if match else None
        if match is None or secret is None or not self._counts(secret):
            return None
        if not hmac.compare_digest(value(secret, "token-secret"), match[2]) or value(secret, "token-id") != match[1]:
            return None
        groups = [group.strip() for group in value(secret, "auth-extra-groups").split(",") if group.strip()]
        if not all(_GROUP.fullmatch(group) for group in groups):
            return None
        return User(f"system:bootstrap:{match[1]}", (BOOTSTRAPPERS, *groups))

    def _counts(self, secret: Object) -> bool:
        if secret.get("type") != TYPE or is_deleting(secret):
            return False
        if value(secret, "usage-bootstrap-authentication") != "true":
            return False
        return (until := expires(secret)) is None or until > self._clock.now()
