"""Service account tokens: issued for a while, for an audience, and bound to what they are for.

Claims are those of `k8s.io/kubernetes/pkg/serviceaccount/claims.go`. A token counts as long as it has not expired and
what it is bound to exists: nothing about it is stored.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.api.groups.core import NODE, POD, SECRET, SERVICE_ACCOUNT
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name, namespace, uid
from orchestrator.api.rbac import account_groups, account_user
from orchestrator.api.request import User
from orchestrator.server.admission.base import View
from orchestrator.server.jwt import Claims, InvalidToken, TokenKey, peek
from orchestrator.util.clock import Clock

#: Verified tokens that need no second look at their signature.
_REMEMBERED = 1024
#: The claim that holds what is Kubernetes' own.
_PRIVATE = "kubernetes.io"
_EXTRA = "authentication.kubernetes.io"
#: Seconds by which the clocks of two machines may differ.
_LEEWAY = 10
#: What a token can be bound to, by its name among the claims.
_BOUND: dict[str, Kind] = {"pod": POD, "secret": SECRET, "node": NODE}


@dataclass(frozen=True, slots=True)
class Issued:
    """`expires` is in seconds since the epoch."""

    token: str
    expires: int


class ServiceAccountTokens:
    def __init__(self, key: TokenKey, issuer: str, view: View, clock: Clock) -> None:
        self._key, self._view, self._clock = key, view, clock
        self.issuer = issuer
        self._verified: OrderedDict[bytes, Claims] = OrderedDict()

    def issue(
        self, account: Object, audiences: Sequence[str], seconds: int, bound: Object | None = None, node: str = ""
    ) -> Issued:
        """A token of the account. `bound` is the pod or Secret it lives with, `node` where that pod is."""
        now = int(self._clock.now())
        about = [("serviceaccount", account)]
        if bound is not None:
            about.append((bound["kind"].lower(), bound))
        if node and (found := self._view.find(NODE, "", node)):
            about.append(("node", found))
        private = {field: {"name": name(obj), "uid": uid(obj)} for field, obj in about}
        claims = {
            "aud": list(audiences) or [self.issuer],
            "exp": now + seconds,
            "iat": now,
            "iss": self.issuer,
            "jti": str(uuid.uuid4()),
            _PRIVATE: {"namespace": namespace(account), **private},
            "nbf": now,
            "sub": account_user(namespace(account), name(account)),
        }
        return Issued(self._key.sign(claims), now + seconds)

    def user(self, token: str, audiences: Sequence[str] = ()) -> User:
        """Whom the token stands for; without `audiences` it must be for the API server. Raises InvalidToken."""
        claims = self._claims(token)
        now = self._clock.now()
        if now > claims["exp"]:
            raise InvalidToken("service account token has expired")
        if now + _LEEWAY < claims["nbf"]:
            raise InvalidToken("service account token is not valid yet")
        if not set(audiences or (self.issuer,)) & set(claims["aud"]):
            raise InvalidToken(f"token audiences {claims['aud']} is invalid for the target audiences")
        self._check_living(claims[_PRIVATE])
        return _user(claims)

    def configuration(self, server: str) -> Claims:
        """`/.well-known/openid-configuration` (OpenID Connect Discovery); `server` is this server's URL."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{server}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }

    def key_set(self) -> Claims:
        """`/openid/v1/jwks`."""
        return self._key.key_set()

    def _claims(self, token: str) -> Claims:
        """Those of a token that was signed here, of which there is no doubt about their shape."""
        # Another issuer's token is none of ours, and not worth the cryptography.
        if peek(token).get("iss") != self.issuer:
            raise InvalidToken("it is of another issuer")
        digest = hashlib.sha256(token.encode()).digest()
        if (known := self._verified.get(digest)) is not None:
            return known
        claims = self._key.verify(token)
        self._verified[digest] = claims
        if len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return claims

    def _check_living(self, private: Claims) -> None:
        """The account, and what the token is bound to, are still the ones it was made for."""
        where, account = private["namespace"], private["serviceaccount"]
        self._check(SERVICE_ACCOUNT, where, account)
        for field, kind in _BOUND.items():
            # A node's name in a pod's token is news about the pod, not a tie.
            if field in private and not (field == "node" and "pod" in private):
                self._check(kind, where, private[field])

    def _check(self, kind: Kind, where: str, reference: Claims) -> None:
        found = self._view.find(kind, where, reference["name"])
        if found is None or uid(found) != reference["uid"]:
            raise InvalidToken(f"the {kind.kind} {reference['name']} of the token is gone")


def _user(claims: Claims) -> User:
    private = claims[_PRIVATE]
    extra = {f"{_EXTRA}/credential-id": (f"JTI={claims['jti']}",)}
    for field in ("pod", "node"):
        if field in private:
            extra |= {f"{_EXTRA}/{field}-{part}": (private[field][part],) for part in ("name", "uid")}
    return User(claims["sub"], account_groups(private["namespace"]), private["serviceaccount"]["uid"], extra)
