"""Who is who and who may what, put together for one API server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.api.request import User
from orchestrator.server.admission.base import View
from orchestrator.server.authentication import BearerTokens
from orchestrator.server.authorization import Authorizer
from orchestrator.server.bootstrap_tokens import BootstrapTokens
from orchestrator.server.jwt import TokenKey
from orchestrator.server.service_account_tokens import ServiceAccountTokens
from orchestrator.store.base import Store
from orchestrator.util.clock import Clock
from orchestrator.util.settings import Settings


@dataclass(frozen=True, slots=True)
class Security:
    authorizer: Authorizer
    accounts: ServiceAccountTokens
    bearers: BearerTokens


def security(store: Store, settings: Settings, clock: Clock, tokens: Mapping[str, User] | None = None) -> Security:
    """`tokens` are those of people (`orchestrator.server.authentication.read_tokens`)."""
    issuer = f"https://kubernetes.default.svc.{settings.cluster_domain}"
    accounts = ServiceAccountTokens(TokenKey(settings.token_key), issuer, View(store), clock)
    bearers = BearerTokens(tokens or {}, BootstrapTokens(View(store), clock), accounts)
    return Security(Authorizer(store), accounts, bearers)
